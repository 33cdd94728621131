import { CodedError } from "../base/coded-error.js";
import type { Config } from "../config/config.js";
import { type LoadedConfig, loadConfig } from "../config/load.js";
import { ConfigError, formatProblems } from "../config/problem.js";
import { packageVersion } from "../package-version.js";
import { HangUp } from "./hang-up.js";
import { isFileCallHanging } from "./hanging-file-call.js";
import { openLastResort } from "./last-resort.js";
import { type Log, openLog } from "./log/log.js";
import type { LogSeverity } from "./log/severity.js";
import { Reload, type Reloadable } from "./reload.js";
import { stopSignal, untilFired } from "./stop-signal.js";
import { openServiceManager } from "./systemd/service-manager.js";
import { boundYoungObjects } from "./young-objects.js";

/** Exit codes. */
export const exit = { inOrder: 0, failed: 1, unusableConfiguration: 2 } as const;

/** Time for the last lines of the log, in milliseconds. */
const logDeadlineMs = 500;

/** Milliseconds after the first SIGTERM or SIGINT at which the process ends in any case; we promise 5 s. */
const killAfterMs = 4_500;
/** Time for the log then, in milliseconds. */
const lastLogMs = 200;

/** What a service needs from the process it runs in. */
interface ServiceContext {
  readonly log: Log;
  /** Muninn's version. */
  readonly version: string;
  /** Why the configuration file could not be used when it was last read, for health. */
  readonly configurationFault: () => string | undefined;
  /** Once this has fired, the start no longer waits for anything. */
  readonly stopping: AbortSignal;
}

/** What runs until a signal ends it. */
export interface Service extends Reloadable {
  /** Where it serves HTTP: endpoint and `host:port`. */
  readonly served: ReadonlyMap<string, string>;
  /** Resolves with the reason if the service can never do what it was started for. */
  readonly refused?: Promise<string>;
  stop(): Promise<void>;
}

export interface ServiceOptions<Started extends Service> {
  /** The configuration file. */
  readonly config: string;
  readonly minLogSeverity?: LogSeverity | undefined;
  /** Logs before it starts. */
  readonly announce?: (log: Log) => void;
  readonly start: (config: Config, context: ServiceContext) => Promise<Started>;
  /** What it does, for the log and the service manager: `tracing …`. */
  readonly what: (config: Config) => string;
  /** Facts for the log line of a successful start. */
  readonly startedFacts?: (started: Started, config: Config, log: Log) => object;
  /** What it does while it stops, for the log. */
  readonly stopping: string;
  /** Logs how it ended and returns the exit code. */
  readonly logStopped: (stopped: Started, log: Log) => number;
}

/**
 * Runs a service until a signal ends it, reloads its configuration on SIGHUP, and notifies systemd; resolves with the
 * exit code. Five seconds after the signal the process has ended, whatever hangs.
 */
export async function runService<Started extends Service>(options: ServiceOptions<Started>): Promise<number> {
  // Before anything that takes time: a signal that comes meanwhile must not end the process.
  const hangUp = new HangUp();
  const { config: file, minLogSeverity } = options;
  let loaded: LoadedConfig;
  try {
    loaded = await loadStartable(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exit.unusableConfiguration;
  }
  boundYoungObjects();
  const log = await openLog({ minSeverity: minLogSeverity, verbosity: loaded.config.verbosity });
  for (const line of formatProblems(file, loaded.warnings)) log.warning("config_warning", line);
  options.announce?.(log);
  const stopping = stopSignal();
  void untilFired(stopping).then(() =>
    openLastResort({ afterMs: killAfterMs, onEnd: () => log.stop({ deadlineMs: lastLogMs }) }),
  );
  const code = await serve(loaded.config, options, log, { stopping, hangUp });
  if (await isFileCallHanging()) {
    log.critical(
      "file_call_hangs",
      "a file-system call hangs, and the process cannot exit before it ends: Muninn kills itself with SIGKILL. " +
        "Check the disk or the network mount",
    );
  }
  await log.stop({ deadlineMs: logDeadlineMs });
  return code;
}

/** Reads a configuration and checks that this machine can run it. @throws ConfigError */
async function loadStartable(file: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(file);
  const missing = await loaded.missing();
  if (missing.length > 0) throw new ConfigError(file, missing, loaded.warnings);
  return loaded;
}

/** Signals of the operator to a running service. */
interface Signals {
  readonly stopping: AbortSignal;
  readonly hangUp: HangUp;
}

async function serve<Started extends Service>(
  config: Config,
  options: ServiceOptions<Started>,
  log: Log,
  { stopping, hangUp }: Signals,
): Promise<number> {
  const { config: file, minLogSeverity } = options;
  const reload = new Reload({ file, running: config, log, minLogSeverity });
  let started: Started;
  try {
    const configurationFault = () => reload.fault;
    started = await options.start(config, { log, version: packageVersion, configurationFault, stopping });
  } catch (error) {
    if (stopping.aborted) {
      log.notice("stopped", "stopped while starting");
      return exit.inOrder;
    }
    log.critical("start_failed", error instanceof Error ? error.message : String(error), {
      ...(!(error instanceof CodedError) && { err: error }),
    });
    return exit.failed;
  }
  const what = options.what(config);
  const service = openServiceManager({
    onUnreachable: (err) =>
      log.warning("service_manager_unreachable", `systemd cannot be notified: ${err.message}`, { err }),
  });
  log.notice("started", what, {
    ...options.startedFacts?.(started, config, log),
    served: Object.fromEntries(started.served),
    pid: process.pid,
  });
  service.ready(what);
  hangUp.serve(async () => {
    service.reloading();
    await reload.run(started);
    service.ready(what);
  });
  const refusal = await Promise.race([
    untilFired(stopping),
    ...(started.refused === undefined ? [] : [started.refused]),
  ]);
  hangUp.ignore();
  service.stopping();
  log.notice("stopping", options.stopping);
  await started.stop();
  const code = options.logStopped(started, log);
  await service.stop();
  if (typeof refusal !== "string") return code;
  log.critical("refused", refusal);
  return exit.failed;
}
