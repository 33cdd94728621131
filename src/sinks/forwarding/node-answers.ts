import type { MetricValue } from "../../protocol/metrics.js";
import type { ConnectedNodes } from "../sink.js";
import type { Answers } from "./downstream-queue.js";

export interface NodeAnswersOptions {
  /** What `NodeInfo` answers as `niName`; absent: there is no `NodeInfo`, as with cardano-tracer. */
  readonly name?: string | undefined;
  readonly metrics: boolean;
  readonly dataPoints: boolean;
  /** Muninn's. */
  readonly version: string;
  /** The connected nodes; undefined until the tracer provides them. */
  readonly nodes: () => ConnectedNodes | undefined;
  /** Called with the number of metrics that did not fit into an answer. */
  readonly onCut: (metrics: number) => void;
}

/** By default cardano-tracer accepts answers below 1 MiB, and so does Muninn. */
const maxMetricsBytes = 1_000_000;
/** Most bytes of a metric without its name and text: head, kind and value. */
const metricOverheadBytes = 32;
/** How long a node may take to answer, in milliseconds. */
const askMs = 5_000;

const startedAt = new Date(Date.now() - performance.now()).toISOString();

/**
 * What downstream tracers get in addition to trace objects: nothing, or the metrics and data points of nodes that the
 * configuration allows.
 */
export function nodeAnswers(options: NodeAnswersOptions): Answers {
  const own = ownDataPoints(options);
  return {
    get metrics() {
      return options.metrics ? metricsOf(options) : new Map<string, MetricValue>();
    },
    dataPoints: own,
    ...(options.dataPoints && {
      askDataPoints: (names) => Promise.all(names.map(async (name) => [name, await ask(name)] as const)),
    }),
  };

  async function ask(name: string): Promise<Uint8Array | undefined> {
    if (own.has(name)) return own.get(name);
    for (const { node, session } of options.nodes()?.nodes() ?? []) {
      if (!name.startsWith(`${node.name}.`)) continue;
      const point = name.slice(node.name.length + 1);
      return (await session.dataPoints([point], askMs))?.get(point);
    }
    return undefined;
  }
}

function ownDataPoints({ name, version }: NodeAnswersOptions): ReadonlyMap<string, Uint8Array> {
  if (name === undefined) return new Map();
  const info = {
    niName: name,
    niProtocol: "",
    niVersion: `muninn ${version}`,
    niCommit: "",
    niStartTime: startedAt,
    niSystemStartTime: startedAt,
  };
  return new Map([["NodeInfo", Buffer.from(JSON.stringify(info))]]);
}

/** The metrics of all nodes, each name prefixed with its node's, as many as fit into one answer. */
function metricsOf({ nodes, onCut }: NodeAnswersOptions): Map<string, MetricValue> {
  const metrics = new Map<string, MetricValue>();
  let bytes = 0;
  let cut = 0;
  for (const { node, metrics: own } of nodes()?.nodes() ?? []) {
    if (bytes > maxMetricsBytes) {
      cut += own.size;
      continue;
    }
    for (const [name, value] of own.entries()) {
      const whole = `${node.name}.${name}`;
      // At most three bytes of UTF-8 for each UTF-16 unit.
      bytes += 3 * (whole.length + (value.kind === "label" ? value.value.length : 0)) + metricOverheadBytes;
      if (bytes > maxMetricsBytes) cut += 1;
      else metrics.set(whole, value);
    }
  }
  if (cut > 0) onCut(cut);
  return metrics;
}
