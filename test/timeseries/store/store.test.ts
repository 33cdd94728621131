import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NodeFeed } from "../../../src/timeseries/node-feed.js";
import { labelSet } from "../../../src/timeseries/store/labels.js";
import { bytesPerPage, pointsPerPage } from "../../../src/timeseries/store/pages.js";
import type { Series } from "../../../src/timeseries/store/series.js";
import { Store } from "../../../src/timeseries/store/store.js";

const plenty = { maxBytes: 2 ** 26, minIntervalMs: 1_000 };
const staleness = 300_000;

function lineOf(store: Store, node = "a"): Series {
  return store.series("m", labelSet({ node_name: node }))!;
}

function everything(series: Series): [number, number][] {
  return series
    .points(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
    .map(({ time, value }) => [time, value]);
}

/** Points with pauses of some milliseconds, sometimes of hours or of more than a page can count. */
const points = fc.array(
  fc.record({
    pause: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
      fc.constantFrom(299_999, 300_000, 300_001, 2 ** 32 + 1),
    ),
    value: fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 })),
  }),
  { maxLength: 400 },
);

describe("a series", () => {
  test("has at each moment the newest value that is neither later nor stale, one by one and in steps", () => {
    fc.assert(
      fc.property(
        points,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
        (given, places) => {
          const store = new Store(plenty);
          const series = lineOf(store);
          const plain = new Map<number, number>();
          let time = 1_700_000_000_000;
          for (const { pause, value } of given) {
            time += pause;
            plain.set(time, value);
            store.append(series, time, value);
          }
          const wanted = (moment: number) => {
            const newest = [...plain.keys()].findLast((each) => each <= moment);
            return newest === undefined || newest <= moment - staleness ? undefined : plain.get(newest);
          };
          const times = [...plain.keys()];
          for (const place of places) {
            const near = times[Math.floor(place * (times.length - 1))] ?? time;
            for (const moment of [near - 1, near, near + 1, near + staleness - 1, near + staleness]) {
              expect(series.at(moment)).toBe(wanted(moment));
            }
            const steps = { from: near - 30_000, step: 7_001, count: 50 };
            const found = [new Float64Array(50), new Float64Array(50)] as const;
            const count = series.sample(steps, Number.NEGATIVE_INFINITY, ...found);
            const moments = Array.from({ length: 50 }, (_, n) => steps.from + n * steps.step);
            const expected = moments.filter((moment) => wanted(moment) !== undefined);
            expect([...found[0].subarray(0, count)]).toEqual(expected);
            expect([...found[1].subarray(0, count)]).toEqual(expected.map(wanted));
          }
          expect(everything(series)).toEqual([...plain]);
          expect(store.stats().points).toBe(plain.size);
        },
      ),
    );
  });

  test("gives the same answers for many moments at once as for one after another", () => {
    fc.assert(
      fc.property(points, fc.array(fc.nat({ max: 150 })), (given, cuts) => {
        const times: number[] = [];
        for (const { pause } of given) times.push((times.at(-1) ?? 1_700_000_000_000) + pause);
        const values = given.map(({ value }) => value);
        const store = new Store(plenty);
        const series = lineOf(store);
        for (let first = 0, cut = 0; first < times.length; cut += 1) {
          const count = Math.min(cuts[cut] ?? times.length, times.length - first);
          const columns = [times, values].map((each) => Float64Array.from(each.slice(first, first + count)));
          store.appendMany(series, columns[0]!, columns[1]!, count);
          first += count;
        }
        expect(everything(series)).toEqual(times.map((time, n) => [time, values[n]]));
        expect(series.lastTime).toBe(times.at(-1) ?? Number.NEGATIVE_INFINITY);
        expect(store.stats().points).toBe(times.length);
      }),
    );
  });

  test("loses and counts the values from the future when the clock is set back", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ step: fc.integer({ min: -100_000, max: 60_000 }), value: fc.integer() }), {
          maxLength: 300,
        }),
        (given) => {
          const store = new Store(plenty);
          const series = lineOf(store);
          let plain: [number, number][] = [];
          let time = 1_700_000_000_000;
          for (const { step, value } of given) {
            time += step;
            plain = [...plain.filter(([each]) => each < time), [time, value]];
            store.append(series, time, value);
          }
          expect(everything(series)).toEqual(plain);
          expect(store.stats().points + store.stats().undone).toBe(given.length);
        },
      ),
    );
  });
});

describe("observed values", () => {
  function observed(values: readonly (readonly [seconds: number, value: number])[]): number[] {
    const store = new Store(plenty);
    const series = lineOf(store);
    for (const [seconds, value] of values) store.observe(series, seconds * 1_000, value);
    return everything(series).map(([time]) => time / 1_000);
  }

  test("are written once per interval if they change, and the last one as soon as the interval is over", () => {
    const changes = [0, 0.4, 0.9, 1.2, 1.3, 2.2].map((seconds, n) => [seconds, n] as const);
    expect(observed(changes)).toEqual([0, 1.2, 2.2]);
  });

  test("are written once a minute if they do not change", () => {
    const seconds = Array.from({ length: 181 }, (_, n) => n);
    expect(observed(seconds.map((each) => [each, 7]))).toEqual([0, 60, 120, 180]);
  });

  test("count as unchanged if they stay NaN", () => {
    expect(observed([0, 1, 2, 60].map((each) => [each, Number.NaN]))).toEqual([0, 60]);
  });

  test("are not written if the clock goes back by less than the interval, and continue from there if by more", () => {
    expect(
      observed([
        [10, 1],
        [9.5, 2],
      ]),
    ).toEqual([10]);
    expect(
      observed([
        [10, 1],
        [20, 2],
        [15, 3],
      ]),
    ).toEqual([10, 15]);
  });
});

describe("bounds", () => {
  test("the oldest points are deleted first, and none that is newer than a remaining one", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ node: fc.constantFrom("a", "b", "c", "d"), pause: fc.integer({ min: 1, max: 5_000 }) }),
          {
            minLength: 1_000,
            maxLength: 3_000,
          },
        ),
        (given) => {
          const store = new Store({ maxBytes: 12 * bytesPerPage + 4_000, minIntervalMs: 1 });
          const times: Record<string, number[]> = { a: [], b: [], c: [], d: [] };
          let time = 0;
          for (const { node, pause } of given) {
            time += pause;
            times[node]!.push(time);
            store.append(lineOf(store, node), time, 1);
            expect(store.stats().bytes).toBeLessThanOrEqual(12 * bytesPerPage + 4_000);
          }
          const { evicted, points, reachesBackTo } = store.stats();
          expect(evicted + points).toBe(given.length);
          for (const [node, all] of Object.entries(times)) {
            const kept = everything(lineOf(store, node)).map(([each]) => each);
            expect(kept).toEqual(all.slice(all.length - kept.length));
            // No point newer than the time that the store reports is missing.
            const lost = all.slice(0, all.length - kept.length);
            expect(lost.every((each) => each <= reachesBackTo!)).toBe(true);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test("a series without points is forgotten, and its name is kept", () => {
    const store = new Store({ maxBytes: 10_000, minIntervalMs: 1 });
    const gone = store.series("gone", labelSet({}))!;
    store.append(gone, 1, 1);
    for (let time = 2; time < 1_000; time += 1) store.append(lineOf(store), time, time);
    expect(gone.retired).toBe(true);
    expect(store.seriesOf("gone")).toEqual([]);
    expect(store.names()).toEqual(["gone", "m"]);
    expect(store.knows("gone")).toBe(true);
  });

  test("names without points do not displace the points of others", () => {
    const store = new Store({ maxBytes: 100_000, minIntervalMs: 1 });
    for (let n = 0; n < 2_000; n += 1) store.append(store.series(`metric ${n}`, labelSet({}))!, n, 1);
    expect(store.names().length).toBeLessThan(100);
    expect(store.stats().points).toBeGreaterThan(40);
    expect(store.stats().bytes).toBeLessThanOrEqual(100_000);
  });

  test("a metric whose name has thousands of characters is not kept", () => {
    expect(new Store(plenty).series("m".repeat(5_000), labelSet({}))).toBeUndefined();
  });

  test("a day of points uses at most 20 bytes a point", () => {
    const store = new Store({ maxBytes: 2 ** 26, minIntervalMs: 1_000 });
    for (let n = 0; n < 5_760; n += 1) {
      for (const node of ["a", "b", "c"]) store.observe(lineOf(store, node), n * 15_000, n);
    }
    const { points, bytes } = store.stats();
    expect(points).toBe(3 * 5_760);
    expect(bytes / points).toBeLessThan(14);
  });
});

describe("pruning", () => {
  test("hides every earlier point, even if its page stays", () => {
    const store = new Store(plenty);
    const series = lineOf(store);
    for (let n = 0; n < 200; n += 1) store.append(series, n * 1_000, n);
    store.prune(100_500);
    expect(series.at(100_400, store.since)).toBeUndefined();
    expect(series.at(101_000, store.since)).toBe(101);
    expect(store.stats().points).toBeLessThanOrEqual(100 + pointsPerPage);
    expect(store.stats().points + store.stats().pruned).toBe(200);
    expect(store.stats().reachesBackTo).toBe(100_500);
  });

  test("also hides what is too much for one step, and deletes it at the next request", () => {
    const store = new Store(plenty);
    const series = lineOf(store);
    for (let n = 0; n < 4 * pointsPerPage; n += 1) store.append(series, n * 1_000, n);
    const time = 3.5 * pointsPerPage * 1_000;
    expect(store.prune(time, 2)).toBe(false);
    expect(store.stats()).toMatchObject({ points: 2 * pointsPerPage, reachesBackTo: time });
    expect(series.at(time - 1, store.since)).toBeUndefined();
    expect(store.prune(time, 2)).toBe(true);
    expect(store.stats()).toMatchObject({ points: pointsPerPage, pruned: 3 * pointsPerPage });
  });

  test("keeps the points of a node that has left until then", () => {
    const store = new Store(plenty);
    store.append(lineOf(store, "left"), 1_000, 1);
    for (let n = 0; n < 100; n += 1) store.append(lineOf(store, "here"), n * 1_000, n);
    store.prune(1_000);
    expect(store.seriesOf("m").map(({ labels }) => labels.pairs[0]![1])).toEqual(["here", "left"]);
    store.prune(1_001);
    expect(store.seriesOf("m").map(({ labels }) => labels.pairs[0]![1])).toEqual(["here"]);
  });
});

test("series that wait for room do not push out those in use, and begin when others have ended", () => {
  const store = new Store({ maxBytes: 20_000, minIntervalMs: 1 });
  const counts = { collided: 0, tooLong: 0, noRoom: 0, noRoomAt: 0 };
  const metrics = {
    each: (take: (name: string, value: number) => void) => {
      for (let index = 0; index < 8; index += 1) take(`metric-${index}`, 1);
    },
  };
  const seriesOf = (node: string) =>
    [...store.everySeries()].filter(({ labels }) => labels.key.includes(node)).length;
  const first = new NodeFeed("first", counts);
  const second = new NodeFeed("second", counts);
  let time = 0;
  for (; time < 600_000; time += 60_000)
    for (const feed of [first, second]) feed.observe(metrics, store, time);
  expect(seriesOf("first")).toBe(8);
  const begun = seriesOf("second");
  expect(begun).toBeLessThan(8);
  expect(store.stats().evicted).toBe(0);
  // The first one has left.
  for (; time < 1_200_000; time += 60_000) second.observe(metrics, store, time);
  expect(seriesOf("second")).toBe(8);
  expect(counts).toMatchObject({ collided: 0, tooLong: 0, noRoom: 8 - begun });
  expect(counts.noRoomAt).toBeLessThan(time - 60_000);
});
