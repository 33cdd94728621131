import { afterEach, expect, test, vi } from "vitest";
import type { Timeseries } from "../../src/timeseries/timeseries.js";
import { openPastOfPage, timeseriesView } from "../../src/tracer-timeseries.js";

let past: Timeseries | undefined;
afterEach(async () => {
  await past?.stop();
});

/** A node's metrics, as the store reads them. */
function metrics(names: readonly string[], value: number) {
  return {
    each: (take: (name: string, value: number) => void) => {
      for (const name of names) take(name, value);
    },
  };
}

async function open(): Promise<Timeseries> {
  past = await openPastOfPage({ muninn: { ui: {} } } as never, {} as never);
  return past!;
}

test("a page without timeseries has a point each ten seconds of the last hour", async () => {
  const store = await open();
  const now = Date.now();
  const known = metrics(["m"], 0);
  for (const [at, value] of [
    [-30_000, 1],
    [-20_001, 2],
    [-20_000, 3],
    [-9_000, 4],
  ] as const)
    store.observe("relay", Object.assign(known, metrics(["m"], value)), now + at);
  const course = store.course("relay", "m", { from: now - 40_000, step: 1, count: 40_000 });
  expect(new Set(course.map(({ value }) => value))).toEqual(new Set([1, 3, 4]));
  expect(store.pruning.retentionMs).toBe(3_600_000);
});

test("its memory has a limit of 32 MiB, which holds some 28,000 metrics", async () => {
  const store = await open();
  const names = Array.from({ length: 60_000 }, (_, n) => `metric.${n}`);
  store.observe("relay", metrics(names, 1), Date.now());
  const { bytes, series } = store.stats();
  expect(bytes).toBeLessThanOrEqual(32 * 2 ** 20);
  expect(series).toBeGreaterThan(20_000);
});

test("health asks the store itself how it is", async () => {
  const store = await open();
  const stats = { reachesBackTo: 7, evicted: 3, refused: { noRoom: 2, noRoomAt: 5_000 } };
  vi.spyOn(store, "stats").mockReturnValue(stats as never);
  store.pruning.setRetention(60_000);
  const view = timeseriesView(store);
  expect([view.reachesBackTo(), view.evicted(), view.noRoomAt()]).toEqual([7, 3, 5_000]);
  expect([view.retentionMs(), view.loadedShare(), view.trouble()]).toEqual([60_000, 1, undefined]);
});
