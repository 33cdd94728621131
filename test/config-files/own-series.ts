import { OwnMetrics } from "../../src/metrics/own/own-metrics.js";
import { ForwardingSink, type ForwardingSinkOptions } from "../../src/sinks/forwarding/forwarding-sink.js";
import { JournalSink } from "../../src/sinks/journal/journal-sink.js";
import type { Libc } from "../../src/sinks/journal/libc.js";
import { LiveSink } from "../../src/sinks/live/live-sink.js";
import { BestEffortNatsSink } from "../../src/sinks/nats/best-effort-nats-sink.js";
import { StreamWriter, type StreamWriterOptions } from "../../src/sinks/nats/stream-writer.js";
import { BestEffortOtlpSink } from "../../src/sinks/otlp/best-effort-otlp-sink.js";
import { Senders } from "../../src/sinks/otlp/senders.js";
import { ownSources } from "../metrics/own/sources.js";

/** Labels that Prometheus adds to scraped series. */
const targetLabels = ["job", "instance"];

/** The names of Muninn's own series, each with the labels it has in Prometheus. */
export async function ownSeries(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const journal = new JournalSink({
    name: "journal",
    format: "ForMachine",
    socketPath: "",
    libc: {} as Libc,
  });
  const forwarding = new ForwardingSink({
    name: "forwarding",
    serve: async () => ({ stop: async () => {} }),
  } as unknown as ForwardingSinkOptions);
  const writer = new StreamWriter({
    servers: [],
    log: { warning: () => {} },
  } as unknown as StreamWriterOptions);
  const nats = new BestEffortNatsSink({ name: "nats", senders: { writer } } as never);
  const otlp = new BestEffortOtlpSink({ name: "otlp", senders: new Senders({} as never) } as never);
  const sources = ownSources({ sinks: [journal, forwarding, nats, otlp, new LiveSink()] });
  const own = new OwnMetrics(sources);
  sources.events.batchSettled("file:a", 100, 0.001);
  const { body } = await own.exposition("text");
  await writer.stop();
  const series = body.matchAll(/^(muninn_\w+)(?:\{(.*)\})? /gm);
  return new Map(
    [...series].map(([, name, labels]) => [
      name!,
      new Set([...targetLabels, ...[...(labels ?? "").matchAll(/(\w+)="/g)].map(([, label]) => label!)]),
    ]),
  );
}
