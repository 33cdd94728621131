import type { Endings } from "./base/endings.js";
import type { Config } from "./config/config.js";
import { readSmallFile } from "./config/small-file.js";
import type { Log } from "./daemon/log/log.js";
import { DiskSpace } from "./health/disk-space.js";
import type { Health, HealthOptions } from "./health/open-health.js";
import { WritesUnderWay } from "./health/writes-under-way.js";
import { OwnEvents } from "./metrics/own/events.js";
import type { OwnMetricsOptions } from "./metrics/own/own-metrics.js";
import { ProcessWatch } from "./metrics/own/process.js";
import type { HandleRegistry } from "./registry/handle-registry.js";
import { openHandleRegistry, type RegistryOptions } from "./registry/open-handle-registry.js";
import { dropReasons } from "./sinks/drop-reasons.js";
import { openSinks, type SinkConfig } from "./sinks/open-sinks.js";
import { Router } from "./sinks/router.js";
import type { Sink } from "./sinks/sink.js";
import type { SinkKind } from "./sinks/sink-kind.js";
import type { Endpoints } from "./tracer-endpoints.js";
import { healthEvents, registryEvents, sinkFailureEvents } from "./tracer-events.js";
import { disksReading, registryReading, watchWrites } from "./tracer-readings.js";

/** How long a stop continues trying to write, in milliseconds; the whole stop takes at most 5 s. */
export const writeMs = 1_500;

export interface WritingOptions {
  readonly log: Log;
  /** Muninn's. */
  readonly version: string;
  /** Why the configuration file could not be used when it was last read. */
  readonly configurationFault?: (() => string | undefined) | undefined;
  readonly sinkKinds: readonly SinkKind<SinkConfig>[];
  /** Options of the registry that are not in the configuration. */
  readonly registry: Pick<RegistryOptions, "identity" | "fileSystem" | "stopping">;
}

/** The end of the pipeline, common to tracers and collectors: sinks, their files, and what watches them. */
export interface Writing {
  readonly registry: HandleRegistry;
  readonly sinks: readonly Sink[];
  readonly router: Router;
  readonly events: OwnEvents;
  readonly process: ProcessWatch;
  /** The log roots of sections with files, as configured. */
  readonly roots: readonly string[];
  readonly disks: readonly DiskSpace[];
  /** The health checks of this part. */
  readonly watched: Pick<
    HealthOptions,
    "sinks" | "disks" | "retention" | "configurationFault" | "longestLagSeconds" | "onChange"
  >;
  /** Values for Muninn's own metrics. */
  measured(
    health: Health,
    endpoints: Endpoints,
  ): Pick<
    OwnMetricsOptions,
    | "version"
    | "process"
    | "events"
    | "dropReasons"
    | "sinks"
    | "accounts"
    | "registry"
    | "health"
    | "disks"
    | "endpoints"
  >;
}

/** Opens it, files first. @throws RegistryError, SinkOpenError */
export async function openWriting(
  config: Config,
  { log, version, configurationFault = () => undefined, sinkKinds, registry: ofRegistry }: WritingOptions,
  { atEnd }: Endings,
): Promise<Writing> {
  const { muninn } = config;
  const roots = config.logging.filter(({ mode }) => mode === "FileMode").map(({ logRoot }) => logRoot);
  const events = new OwnEvents();
  const process = new ProcessWatch();
  atEnd(() => process.stop());
  const registry = await openHandleRegistry({
    ...muninn.registry,
    ...muninn.files,
    ...ofRegistry,
    roots,
    rotation: config.rotation,
    durability: muninn.durability,
    observer: registryEvents(log),
  });
  atEnd(() => registry.stop({ deadlineMs: writeMs }));
  const sinks = await openSinks(config, { registry, log, version, readFile: readSmallFile }, sinkKinds);
  const writes = new Map(sinks.map((sink) => [sink, new WritesUnderWay()]));
  const router = new Router(sinks, { writing: watchWrites(writes, events), failed: sinkFailureEvents(log) });
  atEnd(() => router.stop({ deadlineMs: writeMs }));
  // The registry has created the directories that did not exist.
  const disks = [...new Set(roots)].map((path) => new DiskSpace({ path }));
  atEnd(() => {
    for (const disk of disks) disk.stop();
  });
  return {
    registry,
    sinks,
    router,
    events,
    process,
    roots,
    disks,
    watched: {
      sinks: [...writes].map(([sink, underWay]) => ({ sink, writes: underWay })),
      disks,
      retention: () => registry.expiryFaults(),
      configurationFault,
      longestLagSeconds: () => process.longestLagSeconds,
      onChange: healthEvents(log),
    },
    measured: (health, endpoints) => ({
      version,
      process,
      events,
      dropReasons: Object.keys(dropReasons),
      sinks,
      accounts: () => router.accounting.entries(),
      registry: () => registryReading(registry),
      health: () => ({ ready: health.ready().status !== "failing", checks: health.report().checks }),
      disks: () => disksReading(disks),
      endpoints: () => endpoints.readings(),
    }),
  };
}
