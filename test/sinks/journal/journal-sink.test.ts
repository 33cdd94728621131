import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeIdentity } from "../../../src/nodes/identity.js";
import type { TraceObject } from "../../../src/protocol/trace-object.js";
import { JournalSink } from "../../../src/sinks/journal/journal-sink.js";
import { type Libc, loadLibc } from "../../../src/sinks/journal/libc.js";
import { SinkError } from "../../../src/sinks/sink.js";
import { eventually } from "../../../src/testing/eventually.js";
import { batchOf } from "../../batches.js";
import { DatagramReceiver } from "./datagram-receiver.js";
import { fieldsOf } from "./entry-fields.js";

let directory: string;
let libc: Libc;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-journal-"));
  libc = await loadLibc();
});
afterAll(() => rm(directory, { recursive: true }));

let sockets = 0;
function freePath(): string {
  sockets += 1;
  return join(directory, `journal-${sockets}`);
}

/** A sink that is stopped at the end of the test, whatever its result. */
function openSink(socketPath: string, format: "ForMachine" | "ForHuman" = "ForMachine") {
  const sink = new JournalSink({ name: "journal", format, socketPath, libc });
  return Object.assign(sink, { [Symbol.asyncDispose]: () => sink.stop({ deadlineMs: 0 }) });
}

function node(name: string): NodeIdentity {
  return { connectionId: "unix-1", name, directory: name, slug: name };
}

function numbered(from: number, count: number, fields: Partial<TraceObject> = {}) {
  return batchOf(Array.from({ length: count }, (_, index) => ({ machine: `${from + index}`, ...fields })));
}

function counterOf(sink: JournalSink, name: string): number {
  return [...sink.metrics.find((metric) => metric.name === name)!.read()][0]![1];
}

function messagesOf({ received }: DatagramReceiver, name?: string): string[] {
  const entries = received.map(({ entry }) => fieldsOf(entry));
  return entries
    .filter((fields) => name === undefined || fields.SYSLOG_IDENTIFIER === name)
    .map(({ MESSAGE }) => MESSAGE!);
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);

test.each<[string, "ForMachine" | "ForHuman", Partial<TraceObject>, Record<string, string>]>([
  ["toMachine", "ForMachine", { machine: '{"x":1}', human: "x" }, { MESSAGE: '{"x":1}' }],
  ["toHuman", "ForHuman", { machine: "{}", human: "a\nb" }, { MESSAGE: "a\nb" }],
  ["toMachine if there is no human text", "ForHuman", { machine: '{"x":1}' }, { MESSAGE: '{"x":1}' }],
  ["an empty human text", "ForHuman", { human: "" }, { MESSAGE: "" }],
  ["the line feeds of toMachine unchanged", "ForMachine", { machine: "{\n}" }, { MESSAGE: "{\n}" }],
  ["a severity", "ForMachine", { severity: "Alert" }, { PRIORITY: "1" }],
  ["a namespace of parts", "ForMachine", { namespace: ["Net", "Mux"] }, { NAMESPACE: "Net.Mux" }],
  ["a namespace of one part", "ForMachine", { namespace: ["Net.Mux"] }, { NAMESPACE: "Net.Mux" }],
  ["no namespace", "ForMachine", { namespace: [] }, { NAMESPACE: "noname" }],
  ["a thread", "ForMachine", { thread: "ThreadId 31 (a2)" }, { THREAD: "312" }],
  [
    "twelve digits of a second",
    "ForMachine",
    { timestamp: { seconds: 1_771_234_201, picoseconds: 123_456_789_012 } },
    { TIME: "2026-02-16 09:30:01.123456789012Z" },
  ],
])("an entry has %s (%s)", async (_, format, object, fields) => {
  const path = freePath();
  using receiver = new DatagramReceiver(path).keepReading();
  await using sink = openSink(path, format);
  expect(await sink.write(node("relay-1"), batchOf([object]))).toBeUndefined();
  expect(receiver.received.map(({ entry }) => fieldsOf(entry))).toEqual([
    {
      SYSLOG_IDENTIFIER: "relay-1",
      MESSAGE: '{"ns":"Test"}',
      PRIORITY: "6",
      NAMESPACE: "Test",
      THREAD: "31",
      TIME: "2024-04-08 13:46:26.516900000000Z",
      ...fields,
    },
  ]);
});

test("batches of two nodes, written at once, arrive whole and in each node's order", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path).keepReading();
  await using sink = openSink(path);
  const writes = Array.from({ length: 40 }, (_, index) =>
    sink.write(node(index % 2 === 0 ? "a" : "b"), numbered(Math.floor(index / 2) * 37, 37)),
  );
  expect(await Promise.all(writes)).toEqual(Array(40).fill(undefined));
  for (const name of ["a", "b"]) expect(messagesOf(receiver, name)).toEqual(numbers(20 * 37));
  expect(counterOf(sink, "muninn_journal_entries_total")).toBe(40 * 37);
  expect(counterOf(sink, "muninn_journal_bytes_total")).toBe(
    receiver.received.reduce((sum, { entry }) => sum + entry.length, 0),
  );
  expect(counterOf(sink, "muninn_journal_possibly_doubled_entries_total")).toBe(0);
});

test("an entry too large for a datagram arrives in its place, as a sealed memory file", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path).keepReading();
  await using sink = openSink(path);
  const large = "é\n".repeat(300_000);
  await sink.write(node("n"), batchOf([{ machine: "before" }, { machine: large }, { machine: "after" }]));
  expect(messagesOf(receiver)).toEqual(["before", large, "after"]);
  expect(receiver.received.map(({ seals }) => seals)).toEqual([undefined, 0xf, undefined]);
});

test.each([65_000, 65_200, 65_400, 65_600, 100_000, 210_000, 213_000])(
  "a message of %i bytes arrives whole, however it is sent",
  async (length) => {
    const path = freePath();
    using receiver = new DatagramReceiver(path).keepReading();
    await using sink = openSink(path);
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(length));
    await sink.write(node("n"), batchOf(texts.map((machine) => ({ machine }))));
    expect(messagesOf(receiver)).toEqual(texts);
  },
);

test("a full socket holds the batch, health says so, and everything arrives once it is read", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path);
  await using sink = openSink(path);
  let isSettled = false;
  const write = sink.write(node("n"), numbered(0, 500)).then((dropped) => {
    isSettled = true;
    return dropped;
  });
  expect(sink.health().state).toBe("ok");
  await eventually(() => expect(sink.health().state).toBe("failing"));
  expect(sink.health().reason).toContain("its socket is full");
  expect(sink.health().action).toContain("systemctl status systemd-journald");
  expect(isSettled).toBe(false);
  receiver.keepReading();
  expect(await write).toBeUndefined();
  expect(sink.health().state).toBe("ok");
  expect(messagesOf(receiver)).toEqual(numbers(500));
  expect(counterOf(sink, "muninn_journal_possibly_doubled_entries_total")).toBe(0);
});

test("an object counts as safe only once it is read from the socket", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path);
  await using sink = openSink(path);
  let isSettled = false;
  const write = sink.write(node("n"), numbered(0, 3)).then(() => {
    isSettled = true;
  });
  await eventually(() => expect(sink.health().state).toBe("failing"));
  receiver.read(2);
  await eventually(() => expect(counterOf(sink, "muninn_journal_entries_total")).toBe(1));
  expect(isSettled).toBe(false);
  receiver.read();
  await write;
  expect(messagesOf(receiver)).toEqual(numbers(3));
});

test("a missing socket holds the batch, health says so, and everything arrives once it exists", async () => {
  const path = freePath();
  await using sink = openSink(path);
  const write = sink.write(node("n"), numbered(0, 10));
  await eventually(() => expect(sink.health().state).toBe("failing"));
  expect(sink.health().reason).toContain("is absent (ENOENT)");
  expect(sink.health().action).toContain("systemctl start systemd-journald");
  using receiver = new DatagramReceiver(path).keepReading();
  expect(await write).toBeUndefined();
  expect(messagesOf(receiver)).toEqual(numbers(10));
  expect(sink.health().state).toBe("ok");
  expect(counterOf(sink, "muninn_journal_retries_total")).toBeGreaterThan(0);
});

/** Messages without those that arrived a second time; fails if one arrived late. */
function withoutDoubles(messages: readonly string[]): { distinct: string[]; doubles: number } {
  const distinct = [...new Set(messages)];
  return { distinct, doubles: messages.length - distinct.length };
}

test("if the socket vanishes, its contents are sent again: nothing is lost, and possible doubles are counted", async () => {
  const path = freePath();
  const first = new DatagramReceiver(path);
  await using sink = openSink(path);
  const write = sink.write(node("n"), numbered(0, 400));
  await eventually(() => {
    first.read(5);
    expect(first.received.length).toBeGreaterThan(100);
  });
  first.vanish();
  using second = new DatagramReceiver(path).keepReading();
  expect(await write).toBeUndefined();
  const { distinct, doubles } = withoutDoubles([...messagesOf(first), ...messagesOf(second)]);
  expect(distinct).toEqual(numbers(400));
  expect(doubles).toBeLessThanOrEqual(counterOf(sink, "muninn_journal_possibly_doubled_entries_total"));
  expect(doubles).toBeLessThan(20);
});

test("the last entry, accepted but unread when the socket vanishes, is sent again", async () => {
  const path = freePath();
  const first = new DatagramReceiver(path);
  await using sink = openSink(path);
  const write = sink.write(node("n"), numbered(0, 1));
  await eventually(() => expect(sink.health().state).toBe("failing"));
  first.vanish();
  using second = new DatagramReceiver(path).keepReading();
  await write;
  expect(messagesOf(second)).toEqual(["0"]);
});

test("drained waits for batches already written for that node, and for no other", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path);
  await using sink = openSink(path);
  const writes = [sink.write(node("a"), numbered(0, 20)), sink.write(node("b"), numbered(0, 20))];
  const said: string[] = [];
  for (const name of ["b", "a", "c"]) void sink.drained(node(name)).then(() => said.push(name));
  await eventually(() => expect(said).toEqual(["c"]));
  receiver.keepReading();
  await Promise.all(writes);
  await eventually(() => expect(said).toEqual(["c", "a", "b"]));
});

test("a stop waits for entries being sent, and accepts no more", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path).keepReading();
  await using sink = openSink(path);
  const write = sink.write(node("n"), numbered(0, 1_000));
  const stops = [sink.stop({ deadlineMs: 5_000 }), sink.stop({ deadlineMs: 5_000 })];
  await expect(sink.write(node("n"), numbered(0, 1))).rejects.toEqual(new SinkError("stopped"));
  await Promise.all(stops);
  expect(await write).toBeUndefined();
  expect(messagesOf(receiver)).toEqual(numbers(1_000));
});

test("a stop drops at its deadline the entries that the socket has not accepted, and the rest count as written", async () => {
  const path = freePath();
  using receiver = new DatagramReceiver(path);
  await using sink = openSink(path);
  const write = sink.write(node("n"), numbered(0, 100));
  await eventually(() => expect(sink.health().state).toBe("failing"));
  await sink.stop({ deadlineMs: 10 });
  const dropped = await write;
  receiver.read();
  expect(dropped).toEqual({ stopped: 100 - receiver.received.length });
  expect(messagesOf(receiver)).toEqual(numbers(receiver.received.length));
  expect(receiver.received.length).toBeGreaterThan(5);
});
