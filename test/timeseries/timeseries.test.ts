import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NodeMetrics } from "../../src/metrics/node/node-metrics.js";
import { Timeseries, type TimeseriesOptions } from "../../src/timeseries/timeseries.js";

const options: TimeseriesOptions = {
  maxBytes: 2 ** 24,
  minIntervalMs: 1_000,
  retentionMs: 86_400_000,
  queryTimeoutMs: 10_000,
  queryBytes: 2 ** 26,
};

let directory: string;
let events: string[];
const open: Timeseries[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-timeseries-"));
  events = [];
});

afterEach(async () => {
  for (const timeseries of open.splice(0)) await timeseries.stop();
  await rm(directory, { recursive: true });
});

async function started(changes: Partial<TimeseriesOptions> = {}): Promise<Timeseries> {
  const timeseries = await Timeseries.open(
    { ...options, ...changes },
    {
      refused: (file, putAside, error) =>
        events.push(`refused ${file.slice(-13)} as ${putAside.slice(-21)}: ${error.message}`),
      loaded: (points) => events.push(`loaded ${points}`),
      saveFailed: (error) => events.push(`failed ${error.message}`),
      saveRecovered: () => events.push("recovered"),
    },
  );
  open.push(timeseries);
  return timeseries;
}

async function asked(timeseries: Timeseries, query: string, time = Date.now()) {
  const body = await timeseries.query(query, time, { gzip: false });
  return JSON.parse(Buffer.concat([...body!.chunks]).toString("utf8")).data;
}

/** A node that has sent these metrics once. */
function metricsOf(values: Readonly<Record<string, number | string>>): NodeMetrics {
  const metrics = new NodeMetrics({ maxBytes: 1_000_000 });
  metrics.answered({ whole: true, nowMs: 0 });
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === "string") metrics.label(name, value);
    else metrics.number(name, "gauge", value);
  }
  return metrics;
}

describe("metrics from nodes", () => {
  test("are stored under the original's names if they are numbers or texts that are numbers", async () => {
    const timeseries = await started();
    const metrics = metricsOf({
      "cardano.node.metrics.Mem.resident_int": 7_000,
      "a-b c.d/e!": 1,
      density_real: "0.25",
      signed: "-1.5e3",
      "release.name": "10.1.4",
      empty: "",
      hex: "0x10",
      spaced: " 1",
    });
    timeseries.observe("relay-1", metrics, Date.now());
    expect(timeseries.metrics()).toEqual([
      "a_b_c_de",
      "cardano_node_metrics_Mem_resident_int",
      "density_real",
      "empty",
      "hex",
      "release_name",
      "signed",
      "spaced",
    ]);
    expect(await asked(timeseries, "cardano_node_metrics_Mem_resident_int now")).toMatchObject({
      resultType: "vector",
      result: [{ metric: { node_name: "relay-1" }, value: [expect.any(Number), "7000.0"] }],
    });
    expect((await asked(timeseries, "signed now")).result[0].value[1]).toBe("-1500.0");
    expect((await asked(timeseries, "hex now")).result).toEqual([]);
    expect((await asked(timeseries, "release_name now")).result).toEqual([]);
  });

  test("stay while their node is connected, even if they never change", async () => {
    const timeseries = await started();
    const metrics = metricsOf({ m: 1 });
    const begun = 1_771_234_560_000;
    for (let second = 0; second <= 600; second += 1) timeseries.observe("a", metrics, begun + second * 1_000);
    expect((await asked(timeseries, "m now", begun + 600_000)).result).toHaveLength(1);
    expect(timeseries.stats().points).toBe(11);
  });

  test("do not alternate if two have the same name in the store, and one of them is counted", async () => {
    const timeseries = await started();
    const metrics = metricsOf({ "a.b": 1, a_b: 2 });
    for (let second = 0; second < 10; second += 1) timeseries.observe("n", metrics, second * 1_000);
    expect(timeseries.stats()).toMatchObject({ points: 1, refused: { collided: 1 } });
  });
});

describe("after a restart", () => {
  test("everything is restored, and only new points are written each time", async () => {
    const first = await started({ directory });
    await first.loaded();
    const begun = Date.now() - 10_000;
    first.observe("a", metricsOf({ m: 1, n: 10 }), begun);
    await first.save();
    first.observe("a", metricsOf({ m: 2, n: 10 }), begun + 2_000);
    await first.save();
    await first.save();
    first.observe("b", metricsOf({ m: 3 }), begun + 3_000);
    await first.stop();
    expect((await readdir(directory)).sort()).toEqual(
      [1, 2, 3].map((n) => `timeseries-00000000000${n}.segment`),
    );

    const second = await started({ directory });
    await second.loaded();
    expect(events).toEqual(["loaded 0", "loaded 4"]);
    expect(second.stats().points).toBe(4);
    const query = `m[epoch + ${begun}ms; epoch + ${begun + 4_000}ms : 1s]`;
    expect(
      (await asked(second, query)).result.map((each: { values: [number, string][] }) =>
        each.values.map(([, value]) => value),
      ),
    ).toEqual([
      ["3.0", "3.0"],
      ["1.0", "1.0", "2.0", "2.0", "2.0"],
    ]);
  });

  test("points that arrive while older ones are loaded are not lost, and follow them", async () => {
    const first = await started({ directory });
    const begun = Date.now() - 60_000;
    for (let n = 0; n < 50; n += 1) first.observe("a", metricsOf({ m: n }), begun + n * 1_000);
    await first.stop();
    const second = await started({ directory });
    expect(second.loadedShare).toBeLessThan(1);
    second.observe("a", metricsOf({ m: 100 }), Date.now() - 1_000);
    second.observe("b", metricsOf({ m: 200 }), Date.now() - 1_000);
    await second.loaded();
    expect(second.loadedShare).toBe(1);
    expect(second.stats().points).toBe(52);
    expect((await asked(second, "m now")).result.map((each: { value: unknown[] }) => each.value[1])).toEqual([
      "100.0",
      "200.0",
    ]);
  });

  test("a stop in the middle of loading loses neither old nor new points", async () => {
    const first = await started({ directory });
    await first.loaded();
    const begun = Date.now() - 60_000;
    for (let n = 0; n < 5; n += 1) {
      first.observe("a", metricsOf({ m: n }), begun + n * 1_000);
      await first.save();
    }
    await first.stop();
    const second = await started({ directory });
    second.observe("a", metricsOf({ m: 100 }), Date.now());
    await second.stop();
    const third = await started({ directory });
    await third.loaded();
    expect(third.stats().points).toBe(6);
  });

  test("a damaged segment is renamed with one sentence, and the others are loaded", async () => {
    const first = await started({ directory });
    await first.loaded();
    for (let n = 0; n < 3; n += 1) {
      first.observe("a", metricsOf({ m: n }), Date.now() - 60_000 + n * 2_000);
      await first.save();
    }
    await first.stop();
    const damaged = join(directory, "timeseries-000000000002.segment");
    const bytes = await readFile(damaged);
    bytes[60]! ^= 1;
    await writeFile(damaged, bytes);
    events = [];
    const second = await started({ directory });
    await second.loaded();
    expect(events).toEqual([
      "refused 00002.segment as 00002.segment.damaged: its checksum is wrong",
      "loaded 2",
    ]);
    expect(second.trouble()).toEqual({ directory, writing: undefined, refused: 1 });
    expect(await readdir(directory)).toContain("timeseries-000000000002.segment.damaged");
  });

  test("an unfinished segment is ignored", async () => {
    await writeFile(join(directory, "timeseries-000000000001.segment.unfinished"), "half");
    const timeseries = await started({ directory });
    await timeseries.loaded();
    expect(events).toEqual(["loaded 0"]);
    expect(await readdir(directory)).toEqual([]);
  });

  test("segments are deleted with the points in them", async () => {
    const timeseries = await started({ directory, retentionMs: 30_000 });
    await timeseries.loaded();
    timeseries.observe("a", metricsOf({ m: 1 }), Date.now() - 60_000);
    await timeseries.save();
    timeseries.observe("a", metricsOf({ m: 2 }), Date.now() - 5_000);
    timeseries.prune();
    await timeseries.save();
    expect(await readdir(directory)).toEqual(["timeseries-000000000002.segment"]);
  });

  test("pruning continues until everything is deleted, however much there is", async () => {
    const timeseries = await started({ maxBytes: 2 ** 28, retentionMs: 30_000 });
    const many = metricsOf(Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`m${n}`, n])));
    const minuteAgo = Date.now() - 60_000;
    for (let n = 0; n < 10; n += 1) {
      const view = { each: (take: Parameters<typeof many.each>[0]) => many.each(take) };
      timeseries.observe(`node-${n}`, view, minuteAgo);
    }
    timeseries.prune();
    expect(timeseries.stats().points).toBeGreaterThan(0);
    await vi.waitFor(() => expect(timeseries.stats()).toMatchObject({ points: 0, pruned: 9_000 }));
  });

  test("points that could not be written are written later, which is reported at its start and end", async () => {
    const timeseries = await started({ directory });
    await timeseries.loaded();
    timeseries.observe("a", metricsOf({ m: 1 }), Date.now() - 5_000);
    const blocking = join(directory, "timeseries-000000000001.segment");
    await writeFile(blocking, "of another process");
    await timeseries.save();
    await timeseries.save();
    expect(timeseries.trouble()?.writing?.message).toContain("another Muninn");
    await rm(blocking);
    await timeseries.save();
    expect(timeseries.trouble()).toBeUndefined();
    expect(events.map((event) => event.split(" ")[0])).toEqual(["loaded", "failed", "recovered"]);
    await timeseries.stop();
    const second = await started({ directory });
    await second.loaded();
    expect(second.stats().points).toBe(1);
  });

  test("a stop is idempotent, and a second one waits for the first", async () => {
    const timeseries = await started({ directory });
    timeseries.observe("a", metricsOf({ m: 1 }), Date.now() - 5_000);
    void timeseries.stop();
    await timeseries.stop();
    expect(await readdir(directory)).toEqual(["timeseries-000000000001.segment"]);
  });

  test("a directory that cannot be created stops the start", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(started({ directory: join(file, "below") })).rejects.toThrow(
      `cannot write points below ${join(file, "below")}: ENOTDIR`,
    );
  });
});
