import { expect, test, vi } from "vitest";
import type { DropReason } from "../../../src/sinks/drop-reasons.js";
import { BestEffortOtlpSink } from "../../../src/sinks/otlp/best-effort-otlp-sink.js";
import { KnownParts } from "../../../src/sinks/otlp/known-parts.js";
import { type EncodedRecords, newMemory } from "../../../src/sinks/otlp/log-records.js";
import { RequiredOtlpSink } from "../../../src/sinks/otlp/required-otlp-sink.js";
import { batchOf } from "../../batches.js";
import { CountedAccount, identity } from "../live/accounts.js";

const node = identity("relay");

/** Senders that lose one record of each request. */
function options() {
  const counts: number[] = [];
  const send = ({
    count,
    settle,
  }: EncodedRecords & { settle(dropped: Partial<Record<DropReason, number>>): void }) => {
    counts.push(count);
    queueMicrotask(() => settle({ rejected: 1 }));
  };
  const senders = {
    memory: newMemory,
    metrics: () => [],
    open: () => {},
    of: () => ({ send, takeBack: () => false }),
    stop: async () => {},
  } as never;
  const limits = { batchObjects: 10, batchBytes: 1 };
  return {
    counts,
    options: { name: "otlp", senders, body: "text", ...limits, reload: async () => {} } as const,
  };
}

test("a required sink sends every object of a batch, in as many requests as its limits need", async () => {
  const { counts, options: given } = options();
  expect(await new RequiredOtlpSink(given).write(node, batchOf([{}, {}, {}]))).toEqual({ rejected: 3 });
  expect(counts).toEqual([1, 1, 1]);
});

test("a best-effort sink sends every object of a batch, and after its stop counts them as dropped", async () => {
  const { counts, options: given } = options();
  const sink = new BestEffortOtlpSink({ ...given, queueBytes: 1_000_000 });
  const account = new CountedAccount();
  sink.open(node, account);
  sink.offer(node, batchOf([{}, {}]));
  await new Promise((resolve) => setImmediate(resolve));
  await sink.stop({ deadlineMs: 0 });
  sink.offer(node, batchOf([{}]));
  expect(counts).toEqual([1, 1]);
  expect(account).toMatchObject({ receivedObjects: 3, settled: 3 });
});

test("a thousand words are known, and then it begins anew", () => {
  const make = vi.fn((word: string) => Buffer.from(word));
  const parts = new KnownParts(make);
  for (let count = 0; count < 1_000; count += 1) parts.of(`word ${count}`);
  parts.of("word 0");
  expect(make).toHaveBeenCalledTimes(1_000);
  parts.of("one more");
  parts.of("word 0");
  expect(make).toHaveBeenCalledTimes(1_002);
});
