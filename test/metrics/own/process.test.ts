import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DelayHistogram, EventLoopLag } from "../../../src/metrics/own/event-loop-lag.js";
import { GarbageCollectionWatch } from "../../../src/metrics/own/garbage-collection.js";
import { ProcessWatch } from "../../../src/metrics/own/process.js";
import { type Resources, ResourceTrace } from "../../../src/metrics/own/resource-trace.js";
import { collectGarbage } from "../../garbage.js";

describe("the lag of the event loop", () => {
  let delaysMs: number[];
  let enabled: boolean;
  let lag: EventLoopLag;

  const histogram: DelayHistogram = {
    get max() {
      return Math.max(0, ...delaysMs) * 1e6;
    },
    percentile: (percentile) =>
      (delaysMs.toSorted((a, b) => a - b)[Math.ceil((percentile / 100) * delaysMs.length) - 1] ?? 0) * 1e6,
    reset: () => {
      delaysMs = [];
    },
    enable: () => {
      enabled = true;
    },
    disable: () => {
      enabled = false;
    },
  };

  beforeEach(() => {
    vi.useFakeTimers();
    delaysMs = [];
    lag = new EventLoopLag(histogram);
  });
  afterEach(() => {
    lag.stop();
    vi.useRealTimers();
  });

  test("is how late timers are, beyond their resolution of 250 ms", () => {
    delaysMs = [250, 250, 251, 300, 1_250];
    expect(lag.read()).toEqual({
      p50: expect.closeTo(0.001),
      p99: expect.closeTo(1),
      max: expect.closeTo(1),
    });
  });

  test("is zero if nothing was measured", () => {
    expect(lag.read()).toEqual({ p50: 0, p99: 0, max: 0 });
  });

  test("stays visible for at least ten seconds and at most twenty", () => {
    vi.advanceTimersByTime(9_000);
    delaysMs = [3_250];
    vi.advanceTimersByTime(10_999);
    expect(lag.read().max).toBeCloseTo(3);
    expect(lag.longest).toBeCloseTo(3);
    vi.advanceTimersByTime(1);
    expect(lag.read().max).toBe(0);
    expect(lag.longest).toBe(0);
  });

  test("is no longer measured after a stop, which is idempotent", () => {
    expect(enabled).toBe(true);
    lag.stop();
    lag.stop();
    expect(enabled).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("the real histogram shows a stalled event loop", async () => {
  const watch = new ProcessWatch();
  await vi.waitFor(() => {
    const until = performance.now() + 400;
    while (performance.now() < until);
    expect(watch.read().lag.max).toBeGreaterThan(0.1);
  });
  watch.stop();
});

test("pauses of the garbage collector are counted with their duration", async () => {
  const watch = new GarbageCollectionWatch();
  const minor = () => ({ ...watch.read().get("minor")! });
  expect(minor()).toEqual({ count: 0, seconds: 0 });
  const litter = () => Array.from({ length: 200_000 }, (_, index) => ({ index }));
  await vi.waitFor(() => {
    expect(litter()).toHaveLength(200_000);
    expect(minor().count).toBeGreaterThan(0);
  });
  expect(minor().seconds).toBeGreaterThan(0);
  watch.stop();
  watch.stop();
});

describe("the resource trace", () => {
  let traces: Resources[];
  let counts: (() => void)[];
  let trace: ResourceTrace;

  beforeEach(() => {
    vi.useFakeTimers();
    traces = [];
    counts = [];
    trace = new ResourceTrace({
      everyMs: 5_000,
      read: () => ({
        userSeconds: 2,
        systemSeconds: 1,
        residentBytes: 10,
        heapUsedBytes: 11,
        heapTotalBytes: 12,
        externalBytes: 13,
        lag: { p50: 0, p99: 0, max: 0 },
        garbage: new Map([
          ["minor", { count: 4, seconds: 0.5 }],
          ["major", { count: 1, seconds: 0.25 }],
        ]),
      }),
      trace: (resources) => traces.push(resources),
      countFiles: () => new Promise((resolve) => counts.push(() => resolve(20 + counts.length))),
    });
  });
  afterEach(() => {
    trace.stop();
    vi.useRealTimers();
  });

  test("reports usage at its interval", async () => {
    counts[0]!();
    await vi.advanceTimersByTimeAsync(4_999);
    expect(traces).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(traces).toEqual([
      {
        cpuSeconds: 3,
        residentBytes: 10,
        heapUsedBytes: 11,
        heapTotalBytes: 12,
        externalBytes: 13,
        gcPauses: 5,
        gcSeconds: 0.75,
        openFiles: 21,
      },
    ]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(traces).toHaveLength(2);
  });

  test("continues while open files cannot be counted, and counts them once at a time", async () => {
    await vi.advanceTimersByTimeAsync(50_000);
    expect(traces.map(({ openFiles }) => openFiles)).toEqual(Array(10).fill(undefined));
    expect(counts).toHaveLength(1);
    counts[0]!();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(traces.at(-1)!.openFiles).toBe(21);
  });

  test("ends with a stop, which is idempotent", async () => {
    trace.stop();
    trace.stop();
    await vi.advanceTimersByTimeAsync(50_000);
    expect(traces).toEqual([]);
  });
});

test.skipIf(process.platform !== "linux")("open files are counted as the system reports them", async () => {
  const watch = new ProcessWatch();
  const traces: Resources[] = [];
  const trace = new ResourceTrace({
    everyMs: 1,
    read: () => watch.read(),
    trace: (resources) => traces.push(resources),
  });
  await vi.waitFor(() => expect(traces.at(-1)?.openFiles).toBeGreaterThan(2));
  trace.stop();
  watch.stop();
});

test("pauses of the garbage collector are no longer counted after a stop", async () => {
  const watch = new GarbageCollectionWatch();
  const counted = () => [...watch.read().values()].reduce((sum, { count }) => sum + count, 0);
  await collectGarbage();
  await vi.waitFor(() => expect(counted()).toBeGreaterThan(0));
  watch.stop();
  const before = counted();
  for (let times = 0; times < 3; times += 1) await collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(counted()).toBe(before);
});
