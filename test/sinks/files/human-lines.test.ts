import { expect, test } from "vitest";
import type { TraceObject } from "../../../src/protocol/trace-object.js";
import { type HumanLayout, humanLines } from "../../../src/sinks/files/human-lines.js";
import { batchOf } from "../../batches.js";

const cases: [string, Partial<TraceObject>, HumanLayout, string][] = [
  [
    "the node's own console form",
    { human: "cardano-node 8.10.0", namespace: ["Version.NodeVersion"] },
    "console",
    "[2024-04-08 13:46:26.5169Z][host:Version.NodeVersion](Info,31) cardano-node 8.10.0\n",
  ],
  ["bare text", { human: "cardano-node 8.10.0" }, "text", "cardano-node 8.10.0\n"],
  ["toMachine if there is no human text", { machine: '{"a":1}' }, "text", '{"a":1}\n'],
  ["an empty human text", { human: "" }, "text", "\n"],
  ["continuation lines are indented", { human: "one\ntwo\nthree" }, "text", "one\n  two\n  three\n"],
  ["a line feed at the end", { human: "one\n" }, "text", "one\n  \n"],
  ["toMachine stays on its line", { machine: '{\n"a":1}' }, "text", '{ "a":1}\n'],
  [
    "namespace segments, severity, odd host and thread",
    { human: "é 🦆", namespace: ["A", "B"], severity: "Emergency", host: "h\nx", thread: "" },
    "console",
    "[2024-04-08 13:46:26.5169Z][h x:A.B](Emergency,) é 🦆\n",
  ],
  [
    "a time before 1970, cut and not rounded",
    { human: "x", timestamp: { seconds: -1, picoseconds: 999_999_000_000 } },
    "console",
    "[1969-12-31 23:59:59.9999Z][host:Test](Info,31) x\n",
  ],
  [
    "a time beyond the calendar",
    { human: "x", timestamp: { seconds: 9_000_000_000_000, picoseconds: 0 } },
    "console",
    "[9000000000000s][host:Test](Info,31) x\n",
  ],
];

test.each(cases)("%s", (_, fields, layout, expected) => {
  expect(Buffer.from(humanLines(batchOf([fields]), layout)).toString()).toBe(expected);
});

test("the objects of a batch follow each other in order", () => {
  const batch = batchOf([{ human: "1" }, { human: "2\n3" }, { machine: "4" }]);
  expect(Buffer.from(humanLines(batch, "text")).toString()).toBe("1\n2\n  3\n4\n");
});

test("objects of different seconds have their own times", () => {
  const times = [1, 1, 2, 9_000_000_000_000, 1].map((seconds, index) => ({
    human: "x",
    timestamp: { seconds, picoseconds: index * 100_000_000 },
  }));
  const lines = Buffer.from(humanLines(batchOf(times), "console"))
    .toString()
    .split("\n");
  expect(lines.map((line) => line.slice(1, line.indexOf("]")))).toEqual([
    "1970-01-01 00:00:01.0000Z",
    "1970-01-01 00:00:01.0001Z",
    "1970-01-01 00:00:02.0002Z",
    "9000000000000s",
    "1970-01-01 00:00:01.0004Z",
    "",
  ]);
});

test("lines that were made stay as they are when others are made, however long", () => {
  const texts = ["a", "b".repeat(100_000), "\n".repeat(900_000), "c"];
  const made = texts.map((human) => humanLines(batchOf([{ human }]), "text"));
  const lengths = made.map(({ length }) => length);
  // Of so many line feeds only the first become new lines.
  expect(lengths).toEqual([2, 100_001, 900_001 + 2 * 65_536, 2]);
  expect(Buffer.from(made[1]!).equals(Buffer.from(`${"b".repeat(100_000)}\n`))).toBe(true);
  expect(made[2]!.subarray(0, 6)).toEqual(Buffer.from("\n  \n  "));
  expect(Buffer.from(made[0]!).toString()).toBe("a\n");
});

test("a batch of controls becomes hardly larger than it was", () => {
  const controls = Array.from({ length: 100 }, () => ({ human: "\u001b".repeat(10_000) }));
  const batch = batchOf(controls);
  expect(humanLines(batch, "text").length).toBeLessThan(batch.receivedBytes);
  expect(humanLines(batch, "console").length).toBeLessThan(batch.receivedBytes + 3 * 65_536 + 100 * 64);
});

test("a peer's control characters are escaped on console lines and unchanged in bare text", () => {
  const batch = batchOf([{ human: "\u001b[2Jgone\rnew\u202e", host: "a\u001bb", namespace: ["N\u0007"] }]);
  expect(Buffer.from(humanLines(batch, "console")).toString("utf8")).toBe(
    "[2024-04-08 13:46:26.5169Z][a\\x1bb:N\\x07](Info,31) \\x1b[2Jgone\\x0dnew\\u202e\n",
  );
  expect(Buffer.from(humanLines(batch, "text")).toString("utf8")).toBe("\u001b[2Jgone\rnew\u202e\n");
});
