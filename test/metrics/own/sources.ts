import { OwnEvents } from "../../../src/metrics/own/events.js";
import type { OwnMetricsOptions } from "../../../src/metrics/own/own-metrics.js";
import { ProcessWatch } from "../../../src/metrics/own/process.js";
import type { AccountReading } from "../../../src/metrics/own/reading.js";

const registryFields = [
  "hits",
  "misses",
  "opened",
  "created",
  "reopened",
  "evicted",
  "idleClosed",
  "rotated",
  "expired",
  "vanished",
  "tornClosed",
  "writes",
  "bytesWritten",
  "failedAttempts",
  "possiblyDoubledBytes",
  "openNow",
  "pinnedNow",
  "maxOpenFiles",
  "logsNow",
  "unwrittenBytesNow",
  "faultsNow",
  "oldestFaultSeconds",
] as const;

/** A different number for each field, so that none can be mistaken for another. */
const registryReading = Object.fromEntries(
  registryFields.map((field, index) => [field, 1_000 + index]),
) as Record<(typeof registryFields)[number], number>;

export function account(received: number, written: number, dropped: [string, number][] = []): AccountReading {
  return { received, written, batches: 3, bytes: received * 100, dropped: new Map(dropped) };
}

/** Used by all tests of a file; it does not keep the process alive. */
const processWatch = new ProcessWatch();

/** One node, one sink, one disk, one endpoint; every family has at least one series. */
export function ownSources(sources: Partial<OwnMetricsOptions> = {}): OwnMetricsOptions {
  return {
    version: "1.2.3",
    process: processWatch,
    events: new OwnEvents(),
    dropReasons: ["stopped", "failed"],
    sinks: [],
    accounts: () => [["relay-1", "file:a", account(10, 8, [["stopped", 2]])]],
    nodes: () => [{ name: "relay-1", requestsOutstanding: 2, metrics: 300, metricsRefused: 4 }],
    connections: () => ({ handshaking: 5, connected: 6 }),
    flight: () => ({ reservedBytes: 11, heldBytes: 12, limitBytes: 13 }),
    registry: () => registryReading,
    health: () => ({
      ready: true,
      checks: [
        { name: "listener", state: "ok" },
        { name: "nodes", state: "degraded" },
        { name: "disk:/logs", state: "failing" },
      ],
    }),
    disks: () => [{ path: "/logs", sizeBytes: 1_000, availableBytes: 250 }],
    otlpIn: () => ({
      connections: new Map([["grpc", 2]]),
      closings: new Map([["http gave-way", 3]]),
      answers: new Map([["http 200", 3]]),
      taken: { logs: 5, metrics: 6 },
      rejected: { logs: 1, metrics: 2 },
      resources: 2,
      heldBytes: 1_000,
    }),
    timeseries: () => ({
      points: 60,
      bytes: 900,
      series: 3,
      reachesBackTo: 1_771_234_567_500,
      evicted: 31,
      pruned: 32,
      undone: 33,
      refused: { collided: 34, tooLong: 35, noRoom: 36 },
      queries: new Map([["success", 37]]),
      snapshots: { segments: 1, bytes: 38 },
    }),
    endpoints: () => [
      {
        endpoint: "prometheus",
        connections: 7,
        answers: new Map([
          [200, 21],
          [404, 1],
        ]),
        slowReadersCut: 8,
        connectionsRefused: 9,
        connectionsClosed: new Map([["gave-way", 39]]),
      },
    ],
    ...sources,
  };
}
