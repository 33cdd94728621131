import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  handlesReading,
  nodeReadings,
  outcomeReading,
  registryReading,
  watchWrites,
} from "../../src/tracer-readings.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"], now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function registryWith(...since: number[]): never {
  return {
    stats: () => ({ openNow: 3, maxOpenFiles: 7 }),
    faults: () => since.map((each) => ({ since: each })),
  } as never;
}

test("of several logs that fail, the metrics show the time of the one that has failed longest", () => {
  const reading = registryReading(registryWith(990_000, 999_000));
  expect(reading).toMatchObject({ faultsNow: 2, oldestFaultSeconds: 10 });
  expect(registryReading(registryWith()).oldestFaultSeconds).toBe(0);
  // The clock was set back since.
  expect(registryReading(registryWith(1_001_000)).oldestFaultSeconds).toBe(0);
});

test("the page shows how many files are open, and of how many at most", () => {
  expect(handlesReading(registryWith())).toEqual({ open: 3, most: 7 });
});

test("each node is counted with what it was asked, and its metrics that are kept and refused", () => {
  const node = { node: { name: "relay" }, session: { openRequests: 2 }, metrics: { size: 40, refused: 7 } };
  expect([...nodeReadings({ nodes: () => [node] } as never)]).toEqual([
    { name: "relay", requestsOutstanding: 2, metrics: 40, metricsRefused: 7 },
  ]);
});

test("the outcome has each sink but the viewers', required ones first", () => {
  const account = { received: 3, written: 2, dropped: new Map([["stopped", 1]]) };
  const sinks = [
    { name: "otlp", kind: "best-effort" },
    { name: "live", kind: "best-effort" },
    { name: "file", kind: "required" },
    { name: "unused", kind: "required" },
  ];
  const accounting = { bySink: () => new Map(["otlp", "live", "file"].map((name) => [name, account])) };
  expect(outcomeReading({ accounting, sinks } as never)).toEqual([
    { sink: "file", isRequired: true, ...account },
    { sink: "otlp", isRequired: false, ...account },
  ]);
});

test("a batch is counted with its objects and the seconds it took", () => {
  const batchSettled = vi.fn();
  const settled = watchWrites(new Map(), { batchSettled } as never)({ name: "file" } as never, 3);
  vi.advanceTimersByTime(250);
  settled(true);
  expect(batchSettled.mock.calls).toEqual([["file", 3, 0.25]]);
});
