import { expect, test } from "vitest";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { traceObject } from "../batches.js";

function batchOf(fields: Parameters<typeof traceObject>[0]) {
  const decoder = new TraceReplyDecoder({ maxObjectBytes: 10_000_000 });
  decoder.push(encodeTraceReply([encodeTraceObject(traceObject(fields))]));
  return decoder.take()!;
}

test("a host or a thread of a megabyte is cut between characters, and a usual one is not cut", () => {
  const batch = batchOf({ host: "é".repeat(500_000), thread: `x${"é".repeat(500_000)}` });
  expect(batch.host(0)).toBe(`${"é".repeat(512)}…`);
  expect(batch.thread(0)).toBe(`x${"é".repeat(511)}…`);
  const usual = batchOf({ host: "h".repeat(1_024), thread: "31" });
  expect([usual.host(0), usual.thread(0)]).toEqual(["h".repeat(1_024), "31"]);
});

test("a namespace is cut, however long or numerous its segments are", () => {
  expect(batchOf({ namespace: ["n".repeat(1_000_000)] }).namespace(0)).toBe(`${"n".repeat(1_024)}…`);
  const many = batchOf({ namespace: new Array(100_000).fill("ab") }).namespace(0);
  expect(many.length).toBeLessThan(1_030);
  expect(batchOf({ namespace: ["A", "B", "C"] }).namespace(0)).toBe("A.B.C");
});

test("a batch reports its memory while it has any", () => {
  const batch = batchOf({ machine: "x".repeat(50_000) });
  expect(batch.memoryBytes).toBeGreaterThan(100_000);
  batch.release();
  expect(batch.memoryBytes).toBe(0);
});
