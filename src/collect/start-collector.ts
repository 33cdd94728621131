import { randomUUID } from "node:crypto";
import { mkdir, realpath, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Endings, openWithEndings } from "../base/endings.js";
import type { Config } from "../config/config.js";
import { readSmallFile } from "../config/small-file.js";
import type { Log } from "../daemon/log/log.js";
import { openHealth } from "../health/open-health.js";
import { OwnMetrics } from "../metrics/own/own-metrics.js";
import type { NewNames } from "../nodes/new-names.js";
import { SpareMemory } from "../protocol/spare-memory.js";
import type { HandleRegistry } from "../registry/handle-registry.js";
import { knownDirectories } from "../registry/known-directories.js";
import { readNatsCredentials } from "../sinks/nats/credentials.js";
import { sinkKinds } from "../sinks/open-sinks.js";
import type { Router } from "../sinks/router.js";
import { SinkOpenError } from "../sinks/sink.js";
import { Endpoints } from "../tracer-endpoints.js";
import { openWriting, writeMs } from "../tracer-writing.js";
import { BatchWriter } from "./batch-writer.js";
import { CollectCounts } from "./collect-counts.js";
import { StreamReader } from "./stream-reader.js";
import type { CollectedLog } from "./unfinished-batch.js";

/** The sinks of a `logging` section; those of `muninn.sinks` and `hasForwarding` are for the tracers before the stream. */
const collectedKinds: readonly string[] = ["files", "journal"];

export interface CollectorOptions {
  readonly servers: readonly string[];
  readonly stream: string;
  /** Absent: `muninn`, or a single collector if the servers are too old for groups. */
  readonly group?: string | undefined;
  readonly log: Log;
  /** Muninn's. */
  readonly version: string;
  /** Why the configuration file could not be used when it was last read, for health. */
  readonly configurationFault?: () => string | undefined;
  /** Limits directories that the stream brings. @default as nodes of one address are limited */
  readonly newDirectories?: NewNames;
}

/** A running collector: it writes the stream to files, as if the nodes were connected here. */
export interface Collector {
  readonly registry: HandleRegistry;
  readonly router: Router;
  /** Where it serves HTTP: endpoint and `host:port`. */
  readonly served: ReadonlyMap<string, string>;
  /** Resolves with a sentence if these servers can never provide what was asked for. */
  readonly refused: Promise<string>;
  /** Like a tracer's. @throws CertificateError if certificates are unusable; then nothing changes */
  reload(config: Config): Promise<void>;
  /** Reads nothing more, writes what has arrived, closes everything. Idempotent, waits. */
  stop(): Promise<void>;
}

/**
 * @throws SinkOpenError if the configuration has no log files; RegistryError, HttpError and the like, as a tracer does
 */
export function startCollector(config: Config, options: CollectorOptions): Promise<Collector> {
  return openWithEndings((endings) => openParts(config, options, endings));
}

/** In the order of the data, from files back to the stream. */
async function openParts(
  config: Config,
  options: CollectorOptions,
  { atEnd, end }: Endings,
): Promise<Collector> {
  const { log, version, servers, stream, configurationFault } = options;
  const { muninn } = config;
  const sections = config.logging.filter(({ mode }) => mode === "FileMode");
  if (sections.length === 0)
    throw new SinkOpenError("logging", "collect needs a section with logMode FileMode");
  const writing = await openWriting(
    config,
    {
      log,
      version,
      configurationFault,
      sinkKinds: sinkKinds.filter(({ kind }) => collectedKinds.includes(kind)),
      // Two collectors of one stream would write everything twice below this root.
      registry: { identity: `collect ${stream}` },
    },
    { atEnd, end },
  );
  const { registry, router, events, roots } = writing;

  const counts = new CollectCounts(log);
  const memory = new SpareMemory();
  const releaseUnused = setInterval(() => memory.releaseUnused(), 10_000);
  releaseUnused.unref();
  atEnd(() => clearInterval(releaseUnused));
  const credentials = () => readNatsCredentials("muninn.collect", muninn.collect, servers, readSmallFile);
  const stateDirectory = join(roots[0]!, ".muninn", "collect", stream);
  const reader = new StreamReader({
    ...options,
    credentials: await credentials(),
    id: await stableId(stateDirectory),
    stateDirectory,
    isSynced: muninn.durability === "disk",
    writer: new BatchWriter({
      router,
      registry,
      logs: await distinctLogs(sections),
      humanLayout: muninn.humanLayout,
    }),
    counts,
    maxObjectBytes: muninn.maxObjectBytes,
    maxAheadBytes: muninn.maxInFlightBytes,
    memory,
    mostSubjects: muninn.maxConnections,
    isKnownDirectory: knownDirectories(roots),
  });

  const health = openHealth({
    ...writing.watched,
    door: { checks: [reader.check] },
    nodes: () => reader.subjects,
    // Names, limits and metrics concern the tracers that the nodes are connected to.
    namedNodes: () => [],
    newNamesExhausted: () => [],
    helpTextsFault: () => undefined,
  });
  atEnd(() => health.stop());
  const endpoints = new Endpoints(log);
  const measured = writing.measured(health, endpoints);
  const own = new OwnMetrics({
    ...measured,
    sinks: [
      ...measured.sinks,
      { name: `nats:${stream}`, metrics: [...counts.metrics(), ...reader.metrics()] },
    ],
    nodes: () => [],
    connections: () => ({ handshaking: 0, connected: reader.subjects }),
    flight: () => ({ reservedBytes: 0, heldBytes: reader.heldBytes, limitBytes: muninn.maxInFlightBytes }),
    timeseries: () => undefined,
    otlpIn: () => undefined,
  });
  atEnd(() => endpoints.stop());
  // Metrics and data points of nodes stay where the nodes are connected.
  const nodes = { nodes: () => [], bySlug: () => undefined };
  await endpoints.open(config, { nodes, health, own, events, timeseries: undefined, ui: undefined });
  // Unfinished batches need the registry: it gives up what it cannot write in time.
  atEnd(() => Promise.all([reader.stop(), registry.stop({ deadlineMs: writeMs })]));
  reader.start();
  void registry.expire();

  let stopped: Promise<void> | undefined;
  return {
    registry,
    router,
    served: endpoints.served,
    refused: reader.refused,
    reload: async (loaded) => {
      // Whatever cannot be read is found before anything is changed.
      const [change, read] = [await endpoints.readChange(loaded), await credentials()];
      await router.reload();
      change();
      registry.setRotation(loaded.rotation);
      await reader.use(read);
    },
    stop: () => {
      stopped ??= end();
      return stopped;
    },
  };
}

/** Several sections may name the same place differently. */
async function distinctLogs(
  sections: readonly { readonly logRoot: string; readonly format: "ForMachine" | "ForHuman" }[],
): Promise<CollectedLog[]> {
  const logs = new Map<string, CollectedLog>();
  for (const { logRoot, format } of sections) {
    const extension = format === "ForMachine" ? "json" : "log";
    const place = `${extension} ${await realpath(logRoot)}`;
    if (!logs.has(place)) logs.set(place, { root: logRoot, extension });
  }
  return [...logs.values()];
}

/** Our id for other collectors: it belongs to the root, and stays as long as the root exists. */
async function stableId(directory: string): Promise<string> {
  const path = join(directory, "id");
  const known = await readSmallFile(path).catch(() => "");
  if (/^[0-9a-f-]{36}$/.test(known)) return known;
  const id = randomUUID();
  await mkdir(directory, { recursive: true });
  // Whatever has that name is replaced: writing to a pipe there would never end.
  const made = `${path}.${id}`;
  await writeFile(made, id, { flag: "wx" });
  await rename(made, path);
  return id;
}
