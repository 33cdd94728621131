import { hostname } from "node:os";
import { type Endings, openWithEndings } from "./base/endings.js";
import type { Config } from "./config/config.js";
import { identityOf } from "./config/identity.js";
import type { Log } from "./daemon/log/log.js";
import { defined } from "./fields/defined.js";
import { openHealth } from "./health/open-health.js";
import { loopSlices } from "./http/loop-slices.js";
import { InnerNodes } from "./inner-nodes/inner-nodes.js";
import { SelfTrace, selfName } from "./inner-nodes/self-trace.js";
import { OwnMetrics } from "./metrics/own/own-metrics.js";
import type { ProcessWatch } from "./metrics/own/process.js";
import { type Resources, ResourceTrace } from "./metrics/own/resource-trace.js";
import type { MetricsPace } from "./nodes/metrics-poll.js";
import type { ClaimedDirectory } from "./nodes/node-directory.js";
import { Sessions } from "./nodes/sessions.js";
import { type FileSystem, kernelFileSystem } from "./registry/file-system.js";
import type { HandleRegistry } from "./registry/handle-registry.js";
import { knownDirectories } from "./registry/known-directories.js";
import { connectionsWithin, readOpenFilesLimit } from "./registry/process-limit.js";
import { LiveSink } from "./sinks/live/live-sink.js";
import { type SinkConfig, sinkKinds } from "./sinks/open-sinks.js";
import type { Router } from "./sinks/router.js";
import type { Sink } from "./sinks/sink.js";
import type { SinkKind } from "./sinks/sink-kind.js";
import { Door } from "./tracer-door.js";
import { type EndpointSources, Endpoints, filesOfEndpoints } from "./tracer-endpoints.js";
import { sessionEvents } from "./tracer-events.js";
import { loadOtlpIn, otlpInView } from "./tracer-otlp-in.js";
import {
  disksReading,
  handlesReading,
  nodeReadings,
  outcomeReading,
  type SinkOutcome,
  totalsReading,
} from "./tracer-readings.js";
import { openPastOfPage, openTimeseries, timeseriesView } from "./tracer-timeseries.js";
import { openWriting } from "./tracer-writing.js";
import type { Connection } from "./transport/connection.js";
import type { UiSources } from "./ui/views.js";

/** How long a stopping tracer accepts what nodes still send, in milliseconds. */
const drainMs = 2_000;
/** How long a node's name is awaited before requests continue, in milliseconds: its own queue lasts this long, and objects waiting for the name take memory. */
const namePatienceMs = 250;
/** A request unanswered for this long, in milliseconds, means that the peer is gone. */
const silenceMs = 30_000;

/** A running tracer: nodes connect, their trace objects go to the sinks. */
export interface Tracer {
  readonly registry: HandleRegistry;
  readonly router: Router;
  readonly sessions: Sessions;
  /** Where it serves HTTP: endpoint and `host:port`. */
  readonly served: ReadonlyMap<string, string>;
  /**
   * Applies what can change while nodes stay connected (`liveFields`), except the verbosity of the log, and reads
   * certificates and credentials again.
   * @throws CertificateError if those are unusable; then nothing changes
   */
  reload(config: Config): Promise<void>;
  /** What became of all objects so far at each sink, required ones first. */
  outcome(): readonly SinkOutcome[];
  /** Takes what is in transit, writes it, closes everything. Idempotent, waits; about 4 s at most. */
  stop(): Promise<void>;
}

export interface TracerOptions {
  readonly log: Log;
  /** Muninn's. */
  readonly version: string;
  /** Why the configuration file could not be used when it was last read, for health. */
  readonly configurationFault?: () => string | undefined;
  /** The file system for log files; a test can replace it. @default the kernel's */
  readonly fileSystem?: FileSystem | undefined;
  /** Once this has fired, the start no longer waits for anything, and is abandoned. */
  readonly stopping?: AbortSignal;
  /** The kinds of sinks; a test adds its own. @default all of Muninn's */
  readonly sinkKinds?: readonly SinkKind<SinkConfig>[];
}

/** Builds the parts and opens the door last, so that nothing arrives before it can be stored. */
export function startTracer(config: Config, options: TracerOptions): Promise<Tracer> {
  return openWithEndings((endings) => openParts(config, options, endings));
}

/** In the order of the data, from files back to the door; each part knows only those before it. */
async function openParts(config: Config, options: TracerOptions, { atEnd, end }: Endings): Promise<Tracer> {
  const { log, version, configurationFault, fileSystem = kernelFileSystem } = options;
  const { muninn } = config;
  const writing = await openWriting(
    config,
    {
      log,
      version,
      configurationFault,
      sinkKinds: options.sinkKinds ?? sinkKinds,
      registry: { identity: identityOf(config), fileSystem, stopping: options.stopping },
    },
    { atEnd, end },
  );
  const { registry, sinks, router, events, process, roots, disks } = writing;

  const timeseries = await openTimeseries(config, log);
  const past = timeseries ?? (await openPastOfPage(config, log));
  atEnd(() => past?.stop());

  const innerNodes = new InnerNodes();
  const sessions = new Sessions({
    settings: {
      networkMagic: config.networkMagic,
      requestCount: config.loRequestNum,
      requestsAhead: muninn.requestsAhead,
      metricsPace: metricsPace(config),
      maxObjectBytes: muninn.maxObjectBytes,
      maxMetricsBytes: muninn.maxMetricsBytes,
      maxDataPointBytes: muninn.maxDataPointBytes,
      maxMetricsPerNode: muninn.maxMetricsPerNode,
      handshakeTimeoutMs: muninn.handshakeTimeoutMs,
      nameTimeoutMs: muninn.nameTimeoutMs,
      namePatienceMs,
      nameFrom: muninn.nameFrom,
      silenceMs,
    },
    maxInFlightBytes: muninn.maxInFlightBytes,
    destination: innerNodes.watch(router),
    observer: sessionEvents(log, events),
    isKnownDirectory: knownDirectories(roots),
    claimDirectory: directoryClaims(registry),
    ...(past && {
      onMetrics: ({ name }, metrics) => {
        const atMs = metrics.answeredAtMs ?? Date.now();
        // Thousands of new metrics take some 20 ms, and many nodes may answer at the same time.
        loopSlices.run(() => past.observe(name, metrics, atMs));
      },
    }),
  });
  atEnd(() => sessions.stop(drainMs));
  router.begin(sessions);

  const maxConnections = affordableConnections(config, registry, log);
  const door = new Door(config, { log, events, maxConnections });

  const otlpIn = await loadOtlpIn(config, { sessions, innerNodes, log });
  atEnd(() => otlpIn?.stop());

  let { rotation } = config;
  let helpTextsFault = config.metricsHelpFault;
  const health = openHealth({
    ...writing.watched,
    door: door.view,
    links: door.links,
    nodes: () => sessions.counts.connected,
    namedNodes: () => sessions.nodes(),
    newNamesExhausted: () => sessions.newNames.exhausted(),
    helpTextsFault: () => helpTextsFault,
    ...defined({ timeseries: timeseries && timeseriesView(timeseries) }),
    ...defined({ otlpIn: otlpIn && otlpInView(otlpIn) }),
  });
  atEnd(() => health.stop());

  const endpoints = new Endpoints(log);
  const own = new OwnMetrics({
    ...writing.measured(health, endpoints),
    nodes: () => nodeReadings(sessions),
    connections: () => sessions.counts,
    flight: () => ({ ...sessions.flight, limitBytes: muninn.maxInFlightBytes }),
    timeseries: () => timeseries?.stats(),
    otlpIn: () => otlpIn?.stats(),
  });
  // Health is served while the rest stops.
  atEnd(() => endpoints.stop());
  const ui = uiOf(sinks, {
    version,
    nodes: () => sessions.nodes(),
    bySlug: (slug) => sessions.bySlug(slug),
    health,
    totals: () => totalsReading(router),
    disks: () => disksReading(disks),
    handles: () => handlesReading(registry),
    past,
    roots: [...new Set(roots)],
    rotation: () => rotation,
  });
  await endpoints.open(config, { nodes: sessions, health, own, events, timeseries, ui });

  let resources = resourceTrace(config, log, process);
  atEnd(() => resources?.stop());

  atEnd(() => Promise.all([door.stop(), sessions.stop(drainMs)]));
  await door.open((connection) => sessions.run(connection));
  // Before everything that was opened after it was loaded.
  atEnd(() => otlpIn?.stop());
  await otlpIn?.open();
  if (muninn.selfTrace) {
    const run = (connection: Connection) => sessions.run(connection);
    const info = { name: selfName, protocol: "", version };
    const node = innerNodes.open("self", run, { peer: "self", info, magic: config.networkMagic });
    const self = new SelfTrace({ log, node, host: hostname().split(".")[0]! });
    atEnd(() => self.stop());
  }
  // Once nodes can connect: deletes old files of an earlier run.
  void registry.expire();

  let stopped: Promise<void> | undefined;
  return {
    registry,
    router,
    sessions,
    served: new Map([...endpoints.served, ...(otlpIn?.served ?? [])]),
    reload: async (loaded) => {
      const { otlp, auth } = loaded.muninn;
      // Whatever cannot be read is found before anything is changed.
      const changes = [
        await door.readChange(),
        await endpoints.readChange(loaded),
        otlp && (await otlpIn?.readChange(otlp, auth.otlp)),
      ];
      await router.reload();
      for (const change of changes) change?.();
      helpTextsFault = loaded.metricsHelpFault;
      ({ rotation } = loaded);
      registry.setRotation(rotation);
      sessions.setMetricsPace(metricsPace(loaded));
      resources?.stop();
      resources = resourceTrace(loaded, log, process);
    },
    outcome: () => outcomeReading(router),
    stop: () => {
      stopped ??= end();
      return stopped;
    },
  };
}

/** The page's data, if its sink exists. */
function uiOf(sinks: readonly Sink[], sources: Omit<UiSources, "known">): EndpointSources["ui"] {
  const sink = sinks.find((one) => one instanceof LiveSink);
  return sink && { sink, sources: { ...sources, known: () => sink.nodes() } };
}

function metricsPace({ ekgRequestFreqMs: pauseMs, ekgRequestFull: full }: Config): MetricsPace {
  return { pauseMs, full };
}

/** The configured number of connections, or fewer if the process may not have that many files open. */
function affordableConnections(config: Config, registry: HandleRegistry, log: Log): number {
  const { maxConnections: wanted } = config.muninn;
  const { maxOpenFiles } = registry.stats();
  const limit = readOpenFilesLimit();
  const otherFiles = maxOpenFiles + filesOfEndpoints(config, limit);
  const maxConnections = Math.min(wanted, connectionsWithin(limit, otherFiles));
  if (maxConnections < wanted) {
    log.notice(
      "connections_limited",
      `at most ${maxConnections} connections instead of ${wanted}: the process may not have more files open`,
      { maxConnections, wanted },
    );
  }
  return maxConnections;
}

function resourceTrace(
  { resourceFreqMs: everyMs }: Config,
  log: Log,
  process: ProcessWatch,
): ResourceTrace | undefined {
  if (everyMs === undefined) return undefined;
  const trace = (used: Resources) => log.info("resources", "resources used by Muninn itself", { ...used });
  return new ResourceTrace({ everyMs, read: () => process.read(), trace });
}

/** Claims directories of nodes against other tracers that write below the same root. */
function directoryClaims(registry: HandleRegistry): (directory: string) => Promise<ClaimedDirectory> {
  return async (directory) => {
    const outcome = await registry.claim(directory);
    if (outcome.state === "ours") return outcome;
    const { pid, identity, since } = outcome.by;
    return { tracer: `process ${pid}, ${identity ?? "of an unknown network"}, since ${since}` };
  };
}
