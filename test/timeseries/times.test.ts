import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loopSlices } from "../../src/http/loop-slices.js";
import { answerNode } from "../../src/timeseries/http/node-routes.js";
import { Queries } from "../../src/timeseries/language/queries.js";
import { SnapshotDirectory } from "../../src/timeseries/snapshots/snapshot-directory.js";
import { Timeseries, type TimeseriesOptions } from "../../src/timeseries/timeseries.js";

// Times and bounds that fail if they are ten times smaller or larger, without waiting.

let directory: string;
let timeseries: Timeseries;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-timeseries-"));
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await timeseries?.stop();
  vi.useRealTimers();
  // A stop does not wait for the disk here: the last points may still be on their way.
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 5 });
});

async function opened(changes: Partial<TimeseriesOptions> = {}): Promise<Timeseries> {
  const usual = { maxBytes: 2 ** 26, minIntervalMs: 1, retentionMs: 3_600_000 };
  const observer = { refused: () => {}, loaded: () => {}, saveFailed: () => {}, saveRecovered: () => {} };
  timeseries = await Timeseries.open(
    { ...usual, queryTimeoutMs: 1_000, queryBytes: 2 ** 20, directory, ...changes },
    observer,
  );
  return timeseries;
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `metric.${n}`);
const all = (given: readonly string[]) => ({
  each: (take: (name: string, value: number) => void) => {
    for (const name of given) take(name, 1);
  },
});

test("points are written each minute and deleted each quarter of an hour, until it stops", async () => {
  const store = await opened();
  await store.loaded();
  const [save, prune] = [vi.spyOn(store, "save"), vi.spyOn(store, "prune")];
  vi.advanceTimersByTime(59_999);
  expect(save).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(save).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(839_999);
  expect(prune).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(prune).toHaveBeenCalledTimes(1);
  await store.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("a stop gives a disk a second and a half, and leaves no timer", async () => {
  vi.spyOn(SnapshotDirectory.prototype, "write").mockReturnValue(new Promise(() => {}));
  const store = await opened();
  await store.loaded();
  store.observe("relay", all(["m"]), Date.now());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let isStopped = false;
  const stopped = store.stop().then(() => {
    isStopped = true;
  });
  await vi.advanceTimersByTimeAsync(1_499);
  expect(isStopped).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await stopped;
  expect(vi.getTimerCount()).toBe(0);
});

test("while older points are loaded, new ones take a quarter of the memory at most", async () => {
  const first = await opened();
  await first.loaded();
  first.observe("relay", all(["m"]), Date.now() - 1_000);
  await first.save();
  await first.stop();
  let read = () => {};
  vi.spyOn(SnapshotDirectory.prototype, "read").mockImplementation(async () => {
    await new Promise<void>((resolve) => {
      read = resolve;
    });
    throw new Error("it was only delayed");
  });
  const maxBytes = 2 ** 22;
  const second = await opened({ maxBytes });
  second.observe("relay", all(names(20_000)), Date.now());
  const { bytes } = second.stats();
  expect(bytes).toBeGreaterThan(maxBytes / 5);
  expect(bytes).toBeLessThanOrEqual(maxBytes / 4);
  read();
  await second.loaded();
});

test("eight thousand pages are deleted at once, and the rest in later slices", async () => {
  const store = await opened();
  await store.loaded();
  store.observe("relay", all(names(10_000)), Date.now() - 7_200_000);
  const run = vi.spyOn(loopSlices, "run").mockImplementation(() => {});
  store.prune();
  expect(store.stats().points).toBe(10_000 - 8_192);
  expect(run).toHaveBeenCalledTimes(1);
});

test("of a node that renames its metrics again and again, only the latest names are remembered", async () => {
  const store = await opened();
  await store.loaded();
  let given = ["a.b"];
  const metrics = { each: (take: (name: string, value: number) => void) => all(given).each(take) };
  const begun = Date.now();
  store.observe("relay", metrics, begun);
  for (let count = 1; count < 150; count += 1) {
    given = [`renamed.${count}`];
    store.observe("relay", metrics, begun + count);
  }
  // The same name in the store as the first.
  given = ["a_b"];
  store.observe("relay", metrics, begun + 1_000);
  expect(store.stats().refused.collided).toBe(0);
});

test("a node has five seconds to answer for a page", async () => {
  const dataPoints = vi.fn(async () => new Map());
  const node = { node: { name: "relay", slug: "relay" }, session: { dataPoints } };
  await answerNode({ nodes: () => [], bySlug: () => node } as never, "relay/startup");
  expect(dataPoints.mock.calls).toEqual([[["NodeStartupInfo"], 5_000]]);
});

test("a query that has had its turn no longer listens whether its client is there", async () => {
  const store = await opened();
  await store.loaded();
  const limits = { timeoutMs: 1_000, maxBytes: 2 ** 20 };
  const queries = new Queries({
    source: () => ({ names: () => [], knows: () => false, seriesOf: () => [] }) as never,
    limits,
  });
  const gone = new AbortController();
  const [add, remove] = [
    vi.spyOn(gone.signal, "addEventListener"),
    vi.spyOn(gone.signal, "removeEventListener"),
  ];
  await Promise.all(
    Array.from({ length: 8 }, () => queries.answer("1", Date.now(), { gzip: false, gone: gone.signal })),
  );
  expect(add.mock.calls.length).toBe(4);
  expect(remove.mock.calls.length).toBe(4);
});
