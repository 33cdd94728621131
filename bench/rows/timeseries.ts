import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeRunDirectory } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import type { StoreFigures } from "../peers/timeseries-store.js";

const program = fileURLToPath(new URL("../peers/timeseries-store.js", import.meta.url));
const nodes = 50;

/** A run takes a minute: a day of metrics is written minute by minute. */
const mostRuns = 3;

/** A day of metrics from many nodes in memory: what it uses, how fast it answers, how fast it is loaded again. */
export const timeseries: Row = {
  name: "timeseries",
  summary: `${nodes} nodes × 200 metrics × 24 hours at 15 seconds, each value different`,
  async run({ runs, scale }) {
    const filled: StoreFigures[] = [];
    const loaded: StoreFigures[] = [];
    for (let run = 0; run < Math.min(runs, mostRuns); run += 1) {
      using directory = makeRunDirectory();
      filled.push(await measure("fill", directory.path, String(nodes * scale)));
      loaded.push(await measure("load", directory.path));
    }
    const of = (measured: readonly StoreFigures[], figure: (figures: StoreFigures) => number) =>
      spreadOf(measured.map(figure));
    const query = (name: string) => of(filled, ({ queryMs }) => queryMs[name]!);
    const bytesPerPoint = ({ memoryMiB, points }: StoreFigures) => (memoryMiB * 2 ** 20) / points;
    return {
      findings: [
        {
          what: "memory for all points",
          unit: "GiB",
          value: of(filled, ({ memoryMiB }) => memoryMiB / 1_024),
          target: { atMost: 1.2 },
        },
        { what: "memory of a point", unit: "B", value: of(filled, bytesPerPoint), target: { atMost: 20 } },
        { what: "names of all metrics", unit: "ms", value: query("metrics"), target: { atMost: 20 } },
        { what: "an instant query", unit: "ms", value: query("instant"), target: { atMost: 20 } },
        { what: "rate over 24 hours", unit: "ms", value: query("rate"), target: { atMost: 500 } },
        { what: "a series of 24 hours, as JSON", unit: "ms", value: query("course") },
        { what: "functions over 24 hours", unit: "ms", value: query("functions") },
        {
          what: "longest turn of the event loop with queries",
          unit: "CPU ms",
          value: of(filled, ({ longestTurnMs }) => longestTurnMs),
          target: { atMost: 50 },
        },
        {
          what: "loading, for each GiB on disk",
          unit: "s",
          value: of(loaded, ({ seconds, diskMiB }) => (seconds * 1_024) / diskMiB),
          target: { atMost: 10 },
        },
      ],
      figures: [],
    };
  },
};

async function measure(...args: string[]): Promise<StoreFigures> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  return JSON.parse(stdout) as StoreFigures;
}
