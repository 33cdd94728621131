import { realpath } from "node:fs/promises";
import type { Config, LoggingSection } from "./config/config.js";
import type { Log } from "./daemon/log/log.js";
import { DiskSpace } from "./health/disk-space.js";
import { type HealthOptions, openHealth } from "./health/open-health.js";
import { WritesUnderWay } from "./health/writes-under-way.js";
import type { RegistryReading } from "./metrics/own/handle-registry.js";
import { OwnMetrics } from "./metrics/own/own-metrics.js";
import type { NodeReading } from "./metrics/own/reading.js";
import { type Resources, ResourceTrace } from "./metrics/own/resource-trace.js";
import type { MetricsPace } from "./nodes/metrics-poll.js";
import { Sessions } from "./nodes/sessions.js";
import { type FileSystem, kernelFileSystem } from "./registry/file-system.js";
import type { HandleRegistry } from "./registry/handle-registry.js";
import { openHandleRegistry } from "./registry/open-handle-registry.js";
import { connectionsWithin, readOpenFilesLimit } from "./registry/process-limit.js";
import { FileSink } from "./sinks/files/file-sink.js";
import { Router, type WatchWrites } from "./sinks/router.js";
import type { Sink } from "./sinks/sink.js";
import { Endpoints } from "./tracer-endpoints.js";
import {
  connectorEvents,
  healthEvents,
  registryEvents,
  sessionEvents,
  turnedAwayEvents,
} from "./tracer-events.js";
import { formatAddress } from "./transport/address.js";
import type { RunConnection } from "./transport/connection.js";
import { type Connectors, openConnectors } from "./transport/connectors.js";
import { type Listener, openListener } from "./transport/listener.js";
import { withSharedReads } from "./transport/shared-reads.js";

/** For how long a stopping tracer takes what nodes still send. */
const drainMs = 2_000;
/** For how long after that it goes on trying to write; all in all it ends within 5 s. */
const writeMs = 1_500;
/** A request unanswered for this long means that the peer is gone. */
const silenceMs = 30_000;

/** A running tracer: nodes connect, their trace objects land in files. */
export interface Tracer {
  readonly registry: HandleRegistry;
  readonly router: Router;
  readonly sessions: Sessions;
  /** Where it serves HTTP: endpoint and `host:port`. */
  readonly served: ReadonlyMap<string, string>;
  /**
   * Brings into effect what can change while nodes stay connected (`liveFields`), the verbosity of the log aside, and
   * reads the certificates again.
   * @throws CertificateError where those are unusable; then nothing changes
   */
  reload(config: Config): Promise<void>;
  /** Takes what is on its way, writes it, closes everything. Idempotent, waits; about 4 s at most. */
  stop(): Promise<void>;
}

export interface TracerOptions {
  readonly log: Log;
  /** Muninn's. */
  readonly version: string;
  /** Why the configuration file could not be taken when it was last read, for health. */
  readonly configurationFault?: () => string | undefined;
  /** What log files are written to; a test stands between it and the kernel. @default the kernel's */
  readonly fileSystem?: FileSystem | undefined;
}

/** Builds the parts, and opens the door last: nothing comes in before it can be kept. */
export async function startTracer(config: Config, options: TracerOptions): Promise<Tracer> {
  /** What ends each part that is there, the door first. */
  const endings: (() => void | Promise<void>)[] = [];
  const end = async () => {
    for (const ending of endings.splice(0)) await ending();
  };
  try {
    return await openParts(config, options, (ending) => endings.unshift(ending), end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function openParts(
  config: Config,
  { log, version, configurationFault = () => undefined, fileSystem = kernelFileSystem }: TracerOptions,
  atEnd: (ending: () => void | Promise<void>) => void,
  end: () => Promise<void>,
): Promise<Tracer> {
  const { muninn, network } = config;
  let door: Door | undefined;
  const own: OwnMetrics = new OwnMetrics({
    version,
    accounts: () => router.accounting.entries(),
    nodes: () => nodeReadings(sessions),
    connections: () => sessions.counts,
    flight: () => ({ ...sessions.budget.reading, limitBytes: muninn.maxInFlightBytes }),
    registry: () => registryReading(registry),
    health: () => ({ ready: health.ready().status !== "failing", checks: health.report().checks }),
    disks: () => disks.flatMap(({ path, reading }) => (reading === undefined ? [] : { path, ...reading })),
    endpoints: () => [...endpoints.servers].map(([endpoint, server]) => ({ endpoint, ...server.stats() })),
  });
  atEnd(() => own.stop());

  const registry = await openHandleRegistry({
    ...muninn.registry,
    ...muninn.files,
    roots: config.logging.map(({ logRoot }) => logRoot),
    rotation: config.rotation,
    durability: muninn.durability,
    observer: registryEvents(log),
    fileSystem,
  });
  atEnd(() => registry.stop({ deadlineMs: writeMs }));

  const sections = await distinctSections(config.logging);
  const sinks = sections.map(
    ({ logRoot, format }) => new FileSink({ logRoot, format, humanLayout: muninn.humanLayout, registry }),
  );
  const writes = new Map<Sink, WritesUnderWay>(sinks.map((sink) => [sink, new WritesUnderWay()]));
  const router = new Router(sinks, watchWrites(writes, own));
  const sessions = new Sessions({
    settings: {
      networkMagic: config.networkMagic,
      requestCount: config.loRequestNum,
      requestsAhead: muninn.requestsAhead,
      metricsPace: metricsPace(config),
      maxObjectBytes: muninn.maxObjectBytes,
      maxAnswerBytes: muninn.maxAnswerBytes,
      handshakeTimeoutMs: muninn.handshakeTimeoutMs,
      nameTimeoutMs: muninn.nameTimeoutMs,
      silenceMs,
    },
    maxInFlightBytes: muninn.maxInFlightBytes,
    destination: router,
    observer: sessionEvents(log, own),
  });
  atEnd(() => sessions.stop(drainMs));

  const disks = [...new Set(sections.map(({ logRoot }) => logRoot))].map((path) => new DiskSpace({ path }));
  atEnd(() => {
    for (const disk of disks) disk.stop();
  });
  const health = openHealth({
    door: doorView(config, () => door),
    nodes: () => sessions.counts.connected,
    sinks: [...writes].map(([sink, underWay]) => ({ sink, writes: underWay })),
    disks,
    retention: () => registry.expiryFaults(),
    configurationFault,
    longestLagSeconds: () => own.longestLagSeconds,
    onChange: healthEvents(log),
  });
  atEnd(() => health.stop());
  let resources: ResourceTrace | undefined;
  const traceResources = ({ resourceFreqMs: everyMs }: Config) => {
    resources?.stop();
    resources = undefined;
    if (everyMs === undefined) return;
    const trace = (used: Resources) => log.info("resources", "resources used by Muninn itself", { ...used });
    resources = new ResourceTrace({ everyMs, read: () => own.process(), trace });
  };
  traceResources(config);
  atEnd(() => resources?.stop());
  const endpoints = await Endpoints.open(config, log, { nodes: sessions, health, own });
  // Health is served while the rest stops.
  atEnd(() => endpoints.stop());

  const run: RunConnection = (connection) =>
    sessions.run({ ...connection, stream: withSharedReads(connection.stream) });
  door =
    network.mode === "ConnectTo"
      ? openConnectors({
          ...muninn.reconnect,
          addresses: network.addresses,
          run,
          observer: connectorEvents(log),
        })
      : await openListener({
          address: network.address,
          socketMode: muninn.socketMode,
          maxConnections: affordableConnections(muninn.maxConnections, registry, log),
          run,
          onTurnedAway: turnedAwayEvents(log, own),
        });
  const { stop: closeDoor } = door;
  // Now that nodes can connect: what rotation of a predecessor has left behind.
  void registry.expire();

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await Promise.all([closeDoor(), sessions.stop(drainMs)]);
    await registry.stop({ deadlineMs: writeMs });
    await end();
  };
  return {
    registry,
    router,
    sessions,
    served: new Map(
      [...endpoints.servers].map(([name, { address }]) => [name, `${address.host}:${address.port}`]),
    ),
    reload: async (loaded) => {
      await endpoints.reload(loaded);
      registry.setRotation(loaded.rotation);
      sessions.setMetricsPace(metricsPace(loaded));
      traceResources(loaded);
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function metricsPace({ ekgRequestFreqMs: pauseMs, ekgRequestFull: full }: Config): MetricsPace {
  return { pauseMs, full };
}

/** Where connections come from, in either mode. */
type Door = Connectors | Listener;

/** As many connections as configured, or fewer where the process may not have so many files open. */
function affordableConnections(wanted: number, registry: HandleRegistry, log: Log): number {
  const { maxOpenFiles } = registry.stats();
  const maxConnections = Math.min(wanted, connectionsWithin(readOpenFilesLimit(), maxOpenFiles));
  if (maxConnections < wanted) {
    log.notice(
      "connections_limited",
      `at most ${maxConnections} connections instead of ${wanted}: the process may not have more files open`,
      { maxConnections, wanted },
    );
  }
  return maxConnections;
}

/** A `logRoot` may be named in several ways; two sections of one place and format would write each line twice. */
async function distinctSections(logging: readonly LoggingSection[]): Promise<LoggingSection[]> {
  const sections = new Map<string, LoggingSection>();
  for (const section of logging) {
    const place = `${section.format} ${await realpath(section.logRoot)}`;
    if (!sections.has(place)) sections.set(place, section);
  }
  return [...sections.values()];
}

function watchWrites(writes: ReadonlyMap<Sink, WritesUnderWay>, own: OwnMetrics): WatchWrites {
  return (sink, objects) => {
    const underWay = writes.get(sink);
    const ticket = underWay?.begin() ?? 0;
    const begunAt = performance.now();
    return (isSafe) => {
      underWay?.end(ticket, isSafe);
      own.batchSettled(sink.name, objects, (performance.now() - begunAt) / 1_000);
    };
  };
}

function doorView({ network }: Config, door: () => Door | undefined): HealthOptions["door"] {
  if (network.mode === "AcceptAt") {
    const isBound = () => {
      const listener = door();
      return listener !== undefined && "listening" in listener && listener.listening;
    };
    return { listener: { where: formatAddress(network.address), isBound } };
  }
  return {
    targets: network.addresses.map((address, index) => {
      const state = () => {
        const connectors = door();
        return connectors !== undefined && "targets" in connectors ? connectors.targets()[index] : undefined;
      };
      return {
        where: formatAddress(address),
        isConnected: () => state()?.state === "connected",
        lastError: () => state()?.error?.message,
      };
    }),
  };
}

function* nodeReadings(sessions: Sessions): Generator<NodeReading> {
  for (const { node, session, metrics } of sessions.nodes()) {
    const { openRequests: requestsOutstanding } = session;
    yield { name: node.name, requestsOutstanding, metrics: metrics.size, metricsRefused: metrics.refused };
  }
}

function registryReading(registry: HandleRegistry): RegistryReading {
  const faults = registry.faults();
  const oldest = faults[0]?.since;
  return {
    ...registry.stats(),
    faultsNow: faults.length,
    oldestFaultSeconds: oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1_000),
  };
}
