import type { Check } from "./check.js";
import { configurationCheck } from "./configuration-check.js";
import { diskCheck } from "./disk-check.js";
import type { DiskSpace } from "./disk-space.js";
import { type ListenerView, listenerCheck, nodesCheck, type TargetView, targetCheck } from "./door-checks.js";
import { eventLoopCheck } from "./event-loop-check.js";
import { HealthMonitor, type HealthMonitorOptions } from "./health-monitor.js";
import type { HealthSource } from "./health-report.js";
import { helpTextsCheck } from "./help-texts-check.js";
import { type LinkView, linkCheck } from "./link-check.js";
import { clashingNamesCheck, type NamedNode, newNamesCheck } from "./names-checks.js";
import { type LimitedNode, nodeLimitsCheck } from "./node-limits-check.js";
import { type OtlpInView, otlpInCheck } from "./otlp-in-check.js";
import { type RetentionFault, retentionCheck } from "./retention-check.js";
import { sinkCheck, type WatchedSink } from "./sink-check.js";
import { type TimeseriesView, timeseriesCheck } from "./timeseries-check.js";
import type { WritesUnderWay } from "./writes-under-way.js";

/** Pause between checks: a shorter state may be missed, and each check wakes the process and takes 0.2 ms. */
const lookEveryMs = 1_000;

export interface HealthOptions extends Pick<HealthMonitorOptions, "onChange"> {
  /** Additional links. @default none */
  readonly links?: readonly LinkView[];
  /** Where objects come from: nodes connect to us, we connect to them, or something with its own checks. */
  readonly door:
    | { readonly listener: ListenerView }
    | { readonly targets: readonly TargetView[] }
    | { readonly checks: readonly Check[] };
  /** Nodes currently connected. */
  readonly nodes: () => number;
  /** Those whose names are known. */
  readonly namedNodes: () => Iterable<NamedNode & LimitedNode>;
  /** Addresses that currently may not bring new names, because they brought too many. */
  readonly newNamesExhausted: () => readonly string[];
  readonly sinks: readonly { readonly sink: WatchedSink; readonly writes: WritesUnderWay }[];
  /** One for each `logRoot`; stopped by their owner. */
  readonly disks: readonly DiskSpace[];
  /** Absent if there are none. */
  readonly timeseries?: TimeseriesView;
  /** Absent if OTLP is not received. */
  readonly otlpIn?: OtlpInView;
  readonly retention: () => Iterable<RetentionFault>;
  /** Why the file of help texts could not be read. */
  readonly helpTextsFault: () => string | undefined;
  /** Why the configuration file could not be used when it was last read. */
  readonly configurationFault: () => string | undefined;
  /** Longest recent block of the event loop, in seconds. */
  readonly longestLagSeconds: () => number;
}

/** What the health pages show of the running tracer. */
export interface Health extends HealthSource {
  /** Stops checking; the reports can still be read. Idempotent. */
  stop(): void;
}

/** Watches the tracer from now on. */
export function openHealth(options: HealthOptions): Health {
  const { door, links = [], nodes, sinks, disks, onChange } = options;
  const monitor = new HealthMonitor({
    ...(onChange !== undefined && { onChange }),
    checks: [
      ...checksOf(door, nodes),
      clashingNamesCheck(options.namedNodes),
      newNamesCheck(options.newNamesExhausted),
      nodeLimitsCheck(options.namedNodes),
      ...links.map(linkCheck),
      ...sinks.map(({ sink, writes }) => sinkCheck(sink, writes)),
      ...disks.map(diskCheck),
      retentionCheck(options.retention),
      ...(options.timeseries === undefined ? [] : [timeseriesCheck(options.timeseries)]),
      ...(options.otlpIn === undefined ? [] : [otlpInCheck(options.otlpIn)]),
      helpTextsCheck(options.helpTextsFault),
      configurationCheck(options.configurationFault),
      eventLoopCheck(options.longestLagSeconds),
    ],
  });
  const timer = setInterval(() => monitor.look(), lookEveryMs);
  timer.unref();
  return {
    live: () => monitor.live(),
    ready: () => monitor.ready(),
    report: () => monitor.report(),
    stop: () => clearInterval(timer),
  };
}

function checksOf(door: HealthOptions["door"], nodes: () => number): readonly Check[] {
  if ("checks" in door) return door.checks;
  if ("targets" in door) return door.targets.map(targetCheck);
  return [listenerCheck(door.listener), nodesCheck(nodes)];
}
