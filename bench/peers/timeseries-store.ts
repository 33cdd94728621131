import { Timeseries } from "../../src/timeseries/timeseries.js";
import { LongestTurn } from "../harness/longest-turn.js";

// timeseries-store.js fill DIRECTORY NODES   a day of metrics, written each minute; then queries
// timeseries-store.js load DIRECTORY         the cost of a start

const metrics = 200;
const stepMs = 15_000;
const looksPerDay = 5_760;
const looksPerMinute = 4;
const mebibyte = 2 ** 20;

/** The output, as JSON. */
export interface StoreFigures {
  readonly points: number;
  readonly memoryMiB: number;
  /** By the query's name. */
  readonly queryMs: Readonly<Record<string, number>>;
  /** Processor time of the longest turn of the event loop while queries run. */
  readonly longestTurnMs: number;
  readonly seconds: number;
  readonly diskMiB: number;
}

const names = Array.from({ length: metrics }, (_, n) => `cardano.node.metrics.of.number.${n}_int`);
const asked = "cardano_node_metrics_of_number_7_int";

const queries = {
  metrics: "metrics",
  instant: `${asked} now`,
  rate: `rate (${asked}[now - 24h; now])`,
  course: `${asked}[now - 24h; now]`,
  functions: `increase (\\t -> map (\\x -> to_scalar (x > 300)) (${asked} t - 1))[now - 24h; now]`,
};

const [, , task, directory, nodes = "50"] = process.argv;
const before = process.memoryUsage().rss;
const faults: string[] = [];
const begun = performance.now();
const timeseries = await Timeseries.open(
  {
    maxBytes: 2 ** 31,
    minIntervalMs: 1_000,
    retentionMs: 7 * 86_400_000,
    queryTimeoutMs: 60_000,
    queryBytes: 2 ** 28,
    directory: directory!,
  },
  {
    refused: (file) => faults.push(file),
    loaded: () => {},
    saveFailed: (error) => faults.push(error.message),
    saveRecovered: () => {},
  },
);
await timeseries.loaded();
const seconds = (performance.now() - begun) / 1_000;
let longestTurnMs = 0;
const queryMs: Record<string, number> = {};
if (task === "fill") {
  await fill(Number(nodes));
  for (const [name, query] of Object.entries(queries)) queryMs[name] = await medianMs(query);
  const querying = new LongestTurn();
  querying.begin();
  for (const query of Object.values(queries)) await medianMs(query);
  longestTurnMs = await querying.end();
}
if (faults.length > 0) throw new Error(faults.join(", "));
const { points, snapshots } = timeseries.stats();
const figures: StoreFigures = {
  points,
  memoryMiB: (process.memoryUsage().rss - before) / mebibyte,
  queryMs,
  longestTurnMs,
  seconds,
  diskMiB: snapshots!.bytes / mebibyte,
};
console.log(JSON.stringify(figures));
await timeseries.stop();

async function fill(count: number): Promise<void> {
  const end = Date.now() - 1_000;
  let look = 0;
  const view = (node: number) => ({
    each: (take: (name: string, value: number) => void) => {
      for (const [n, name] of names.entries()) take(name, look * (n + 1) + node);
    },
  });
  const views = Array.from({ length: count }, (_, node) => view(node));
  for (; look < looksPerDay; look += 1) {
    const time = end - (looksPerDay - look) * stepMs;
    for (const [node, each] of views.entries()) timeseries.observe(`node-${node}`, each, time);
    if (look % looksPerMinute === looksPerMinute - 1) await timeseries.save();
  }
}

async function medianMs(query: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const start = performance.now();
    await timeseries.query(query, Date.now(), { gzip: false });
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[2]!;
}
