import type { HealthReport } from "../health/health-report.js";
import type { Sample } from "./exposition-text.js";

/** What became of objects. */
export interface Counts {
  readonly received: number;
  readonly written: number;
  readonly dropped: number;
}

/** A node as a daemon shows it at one time; what it does not report is absent. */
export interface NodeReading {
  readonly name: string;
  readonly isConnected: boolean;
  /** Objects received since the daemon started, or the node connected. */
  readonly total: number;
  /** Objects a second, if the daemon reports it. */
  readonly rate?: number;
  /** By the name of the sink. */
  readonly sinks: ReadonlyMap<string, Counts>;
  readonly outstanding?: number;
  readonly metrics?: number;
}

/** What a daemon shows at a moment. */
export interface Reading {
  /** Milliseconds on a monotonic clock. */
  readonly at: number;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly nodes: readonly NodeReading[];
  /** For all nodes, including those that are gone. */
  readonly sinks: ReadonlyMap<string, Counts>;
  readonly health: HealthReport;
}

/** Makes a reading from the samples at `/metrics/self`. */
export function readingOf(samples: Iterable<Sample>, health: HealthReport, at: number): Reading {
  const nodes = new Map<string, Changing<NodeReading>>();
  const sinks = new Map<string, Counts>();
  let version = "";
  let startedAt = Number.NaN;
  const node = (name: string) => {
    const known = nodes.get(name);
    if (known !== undefined) return known;
    const made: Changing<NodeReading> = { name, isConnected: false, total: 0, sinks: new Map() };
    nodes.set(name, made);
    return made;
  };
  for (const { name, labels, value } of samples) {
    const { node: nodeName = "", sink = "" } = labels;
    const counted = countNames.get(name);
    if (counted !== undefined) {
      add(sinks, sink, counted, value);
      // The counts of nodes that left long ago.
      if (nodeName !== "") add(node(nodeName).sinks as Map<string, Counts>, sink, counted, value);
    } else if (name === "muninn_requests_outstanding") {
      const one = node(nodeName);
      one.outstanding = value;
      one.isConnected = true;
    } else if (name === "muninn_node_metrics") node(nodeName).metrics = value;
    else if (name === "muninn_build_info") version = labels.version ?? "";
    else if (name === "muninn_process_start_time_seconds") startedAt = value * 1_000;
  }
  // Each sink receives the same objects.
  for (const one of nodes.values())
    one.total = Math.max(0, ...[...one.sinks.values()].map(({ received }) => received));
  return { at, version, startedAt, nodes: [...nodes.values()], sinks, health };
}

type Changing<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const countNames: ReadonlyMap<string, keyof Counts> = new Map([
  ["muninn_objects_received_total", "received"],
  ["muninn_objects_written_total", "written"],
  ["muninn_objects_dropped_total", "dropped"],
]);

function add(sinks: Map<string, Counts>, sink: string, counted: keyof Counts, value: number): void {
  const counts = sinks.get(sink) ?? { received: 0, written: 0, dropped: 0 };
  sinks.set(sink, { ...counts, [counted]: counts[counted] + value });
}

/** Objects a second of a node since an earlier reading; undefined if that is not known yet. */
export function rateSince(earlier: Reading | undefined, now: Reading, node: NodeReading): number | undefined {
  if (node.rate !== undefined) return node.rate;
  const before = earlier?.nodes.find(({ name }) => name === node.name);
  if (earlier === undefined || before === undefined || now.at <= earlier.at) return undefined;
  // Counts start again if the daemon was restarted.
  const more = node.total - before.total;
  return more < 0 ? undefined : (1_000 * more) / (now.at - earlier.at);
}
