import { OwnMetrics } from "../../src/metrics/own/own-metrics.js";
import { JournalSink } from "../../src/sinks/journal/journal-sink.js";
import type { Libc } from "../../src/sinks/journal/libc.js";
import { ownSources } from "../metrics/own/sources.js";

/** Labels that Prometheus adds to what it scrapes. */
const targetLabels = ["job", "instance"];

/** The names of Muninn's own series, each with the labels it has in Prometheus. */
export async function ownSeries(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const journal = new JournalSink({
    name: "journal",
    format: "ForMachine",
    socketPath: "",
    libc: {} as Libc,
  });
  const sources = ownSources({ sinks: [journal] });
  const own = new OwnMetrics(sources);
  sources.events.batchSettled("file:a", 100, 0.001);
  const { body } = await own.exposition("text");
  const series = body.matchAll(/^(muninn_\w+)(?:\{(.*)\})? /gm);
  return new Map(
    [...series].map(([, name, labels]) => [
      name!,
      new Set([...targetLabels, ...[...(labels ?? "").matchAll(/(\w+)="/g)].map(([, label]) => label!)]),
    ]),
  );
}
