import type { DiskReading, DiskSpace } from "./health/disk-space.js";
import type { WritesUnderWay } from "./health/writes-under-way.js";
import type { OwnEvents } from "./metrics/own/events.js";
import type { RegistryReading } from "./metrics/own/handle-registry.js";
import type { NodeReading } from "./metrics/own/reading.js";
import type { Sessions } from "./nodes/sessions.js";
import type { HandleRegistry } from "./registry/handle-registry.js";
import { droppedOf } from "./sinks/accounting.js";
import type { DropReason } from "./sinks/drop-reasons.js";
import { liveSinkName } from "./sinks/live/live-sink.js";
import type { Router, RouterObserver } from "./sinks/router.js";
import type { Sink } from "./sinks/sink.js";
import type { Overview } from "./ui/answers.js";

// Values that the daemon's own metrics read from its parts.

export function* nodeReadings(sessions: Sessions): Generator<NodeReading> {
  for (const { node, session, metrics } of sessions.nodes()) {
    const { openRequests: requestsOutstanding } = session;
    yield { name: node.name, requestsOutstanding, metrics: metrics.size, metricsRefused: metrics.refused };
  }
}

export function registryReading(registry: HandleRegistry): RegistryReading {
  const faults = registry.faults();
  const oldest = faults[0]?.since;
  return {
    ...registry.stats(),
    faultsNow: faults.length,
    oldestFaultSeconds: oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1_000),
  };
}

export function disksReading(disks: readonly DiskSpace[]): (DiskReading & { readonly path: string })[] {
  return disks.flatMap(({ path, reading }) => (reading === undefined ? [] : { path, ...reading }));
}

export function handlesReading(registry: HandleRegistry): { open: number; most: number } {
  const { openNow: open, maxOpenFiles: most } = registry.stats();
  return { open, most };
}

/** What became of all objects at a sink. */
export interface SinkOutcome {
  readonly sink: string;
  readonly isRequired: boolean;
  readonly received: number;
  readonly written: number;
  readonly dropped: ReadonlyMap<DropReason, number>;
}

/** For each sink except the viewers', which is meant to miss most objects; required ones first. */
export function outcomeReading({ accounting, sinks }: Router): SinkOutcome[] {
  const accounts = accounting.bySink();
  const outcomes = sinks.flatMap(({ name: sink, kind }): SinkOutcome[] => {
    const account = accounts.get(sink);
    if (account === undefined || sink === liveSinkName) return [];
    const { received, written, dropped } = account;
    return [{ sink, isRequired: kind === "required", received, written, dropped }];
  });
  return outcomes.sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
}

/** The same as sums, for the page. */
export function totalsReading({ accounting }: Router): Overview["totals"] {
  return [...accounting.bySink()]
    .filter(([sink]) => sink !== liveSinkName)
    .map(([sink, account]) => {
      const { received, written } = account;
      return { sink, received, written, dropped: droppedOf(account) };
    });
}

/** Watches each write of a required sink for health, and counts how long it took. */
export function watchWrites(
  writes: ReadonlyMap<Sink, WritesUnderWay>,
  events: OwnEvents,
): RouterObserver["writing"] {
  return (sink, objects) => {
    const underWay = writes.get(sink);
    const ticket = underWay?.begin() ?? 0;
    const begunAt = performance.now();
    return (isSafe) => {
      underWay?.end(ticket, isSafe);
      events.batchSettled(sink.name, objects, (performance.now() - begunAt) / 1_000);
    };
  };
}
