import { setTimeout as pause } from "node:timers/promises";
import { Comparison } from "../harness/comparison.js";
import { freePort } from "../harness/free-port.js";
import {
  arrange,
  type Measurement,
  makeRunDirectory,
  measureArranged,
  throughput,
} from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import { muninn } from "../harness/tracers.js";

const nodes = 200;
const metrics = 300;
/** Enough for several scrapes. */
const objects = 10_000_000;
const objectBytes = 364;
/** A short interval for Prometheus, which defaults to a minute. */
const everyMs = 5_000;

/** What scrapes of all nodes cost the traces. */
export const scraping: Row = {
  name: "scraping",
  summary: `${nodes} busy nodes with ${metrics} metrics each, all scraped every ${everyMs / 1_000} s`,
  async run({ runs, scale }) {
    const scrapeSeconds: number[] = [];
    const port = await freePort();
    const measure = async (isScraped: boolean): Promise<Measurement> => {
      using directory = makeRunDirectory();
      const tracer = muninn({ prometheusPort: port });
      const workload = { nodes, metrics, objectBytes };
      await using arrangement = await arrange(tracer, workload, directory.path);
      const ended = new AbortController();
      const scrapes = isScraped ? scrapeUntil(ended.signal, port, scrapeSeconds) : Promise.resolve();
      const measurement = await measureArranged(arrangement, objects * scale);
      ended.abort();
      await scrapes;
      return measurement;
    };
    const comparison = await Comparison.of(
      [
        { name: "not scraped", run: () => measure(false) },
        { name: "scraped", run: () => measure(true) },
      ],
      runs,
    );
    return {
      findings: [
        {
          what: "throughput ÷ that without scrapes",
          value: comparison.ratio(throughput, "scraped", "not scraped"),
          target: { atLeast: 0.9 },
        },
        { what: "a scrape", unit: "s", value: spreadOf(scrapeSeconds) },
      ],
      figures: comparison.figures(),
    };
  },
};

async function scrapeUntil(signal: AbortSignal, port: number, seconds: number[]): Promise<void> {
  while (!signal.aborted) {
    const start = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    const text = await answer.text();
    seconds.push((performance.now() - start) / 1_000);
    if (!answer.ok || text.length < nodes * metrics)
      throw new Error(`a scrape gave ${answer.status}: ${text}`);
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}
