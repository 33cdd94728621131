import type { WritesUnderWay } from "./health/writes-under-way.js";
import type { OwnEvents } from "./metrics/own/events.js";
import type { RegistryReading } from "./metrics/own/handle-registry.js";
import type { NodeReading } from "./metrics/own/reading.js";
import type { Sessions } from "./nodes/sessions.js";
import type { HandleRegistry } from "./registry/handle-registry.js";
import type { RouterObserver } from "./sinks/router.js";
import type { Sink } from "./sinks/sink.js";

// What the daemon's own metrics read of the parts.

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
