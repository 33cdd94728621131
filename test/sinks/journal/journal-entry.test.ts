import fc from "fast-check";
import { expect, test } from "vitest";
import { severities } from "../../../src/protocol/trace-batch.js";
import {
  EntryWriter,
  entryBound,
  entryHead,
  type JournalEntry,
} from "../../../src/sinks/journal/journal-entry.js";
import { fieldsOf } from "./entry-fields.js";

function entry(given: Partial<JournalEntry & { node: string; text: string }> = {}): JournalEntry {
  const { node = "relay-1", text = "{}", ...fields } = given;
  return {
    head: entryHead(node),
    message: Buffer.from(text),
    severity: "Info",
    namespace: "Net.Mux",
    thread: "31",
    time: { seconds: 1_771_234_201, picoseconds: 0 },
    ...fields,
  };
}

/** Written into a buffer of exactly `entryBound` bytes. */
function bytesOf(given: JournalEntry): Buffer {
  const room = Buffer.alloc(entryBound(given) + 3, 0xee);
  const end = new EntryWriter().write(room, 3, given);
  expect(room.subarray(0, 3)).toEqual(Buffer.from("eeeeee", "hex"));
  return room.subarray(3, end);
}

test("an entry has six fields, each on a line", () => {
  expect(bytesOf(entry()).toString()).toBe(
    "SYSLOG_IDENTIFIER=relay-1\nMESSAGE={}\nPRIORITY=6\nNAMESPACE=Net.Mux\nTHREAD=31\n" +
      "TIME=2026-02-16 09:30:01.000000000000Z\n",
  );
});

test.each<[string, Parameters<typeof entry>[0], string]>([
  ["a message of two lines", { text: "a\nb" }, "MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"],
  ["a message that ends with a line feed", { text: "a\n" }, "MESSAGE\n\x02\0\0\0\0\0\0\0a\n\n"],
  ["an empty message", { text: "" }, "MESSAGE=\n"],
  ["a message with an equals sign", { text: "a=b" }, "MESSAGE=a=b\n"],
  ["no namespace", { namespace: "" }, "NAMESPACE=noname\n"],
  ["a namespace of two lines", { namespace: "é\nB" }, "NAMESPACE\n\x04\0\0\0\0\0\0\0é\nB\n"],
  ["a thread's name", { thread: "ThreadId 31 (a2)" }, "THREAD=312\n"],
  ["a namespace beyond ASCII", { namespace: "Net.é🦆" }, "NAMESPACE=Net.é🦆\n"],
  ["no thread", { thread: "" }, "THREAD=\n"],
  ["a thread without digits", { thread: "main ١" }, "THREAD=\n"],
  ["a name with a colon", { node: "a:b" }, "SYSLOG_IDENTIFIER=a:b\n"],
  ["a name with a line feed", { node: "a\nb" }, "SYSLOG_IDENTIFIER\n\x03\0\0\0\0\0\0\0a\nb\n"],
])("%s", (_, given, field) => {
  expect(bytesOf(entry(given)).toString()).toContain(field);
});

test.each([
  ["Emergency", 0],
  ["Alert", 1],
  ["Critical", 2],
  ["Error", 3],
  ["Warning", 4],
  ["Notice", 5],
  ["Info", 6],
  ["Debug", 7],
] as const)("%s has the priority %i", (severity, priority) => {
  expect(bytesOf(entry({ severity })).toString()).toContain(`\nPRIORITY=${priority}\n`);
});

test("an entry has enough room, however long its thread and namespace", () => {
  const long = "9".repeat(5_000);
  const wide = "日".repeat(5_000);
  for (const fields of [{ thread: long }, { namespace: wide }, { thread: long, namespace: wide }]) {
    const written = bytesOf(entry(fields)).toString();
    expect(written.endsWith("TIME=2026-02-16 09:30:01.000000000000Z\n")).toBe(true);
  }
});

test("an entry has enough room for the time of any year", () => {
  const last = bytesOf(entry({ text: "", time: { seconds: -(2 ** 63), picoseconds: 999_999_999_999 } }));
  expect(last.toString()).toMatch(/\nTIME=-\d+-\d\d-\d\d \d\d:\d\d:\d\d\.999999999999Z\n$/);
});

test("any field values are read back unchanged, with nothing added", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "=", "\n", "é", "🦆", "\0", "TIME=") });
  fc.assert(
    fc.property(text, text, text, fc.constantFrom(...severities), (node, message, namespace, severity) => {
      const fields = fieldsOf(bytesOf(entry({ node, text: message, namespace, severity })));
      expect(fields).toEqual({
        SYSLOG_IDENTIFIER: node,
        MESSAGE: message,
        PRIORITY: String(7 - severities.indexOf(severity)),
        NAMESPACE: namespace || "noname",
        THREAD: "31",
        TIME: "2026-02-16 09:30:01.000000000000Z",
      });
    }),
  );
});
