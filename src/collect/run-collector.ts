import { CodedError } from "../coded-error.js";
import { type LoadedConfig, loadConfig } from "../config/load.js";
import { ConfigError, formatProblems } from "../config/problem.js";
import { HangUp } from "../daemon/hang-up.js";
import { type Log, openLog } from "../daemon/log/log.js";
import { Reload } from "../daemon/reload.js";
import { untilStopped } from "../daemon/stop-signal.js";
import { openServiceManager } from "../daemon/systemd/service-manager.js";
import { packageVersion } from "../package-version.js";
import { type Collector, startCollector } from "./start-collector.js";

/** Exit codes, as those of the daemon. */
const exit = { inOrder: 0, failed: 1, unusableConfiguration: 2 } as const;

/** For how long the last lines of the log may take. */
const logDeadlineMs = 500;

export interface RunCollectorOptions {
  readonly config: string;
  readonly servers: readonly string[];
  readonly stream: string;
  readonly group?: string | undefined;
}

/** Collects until a signal ends it; resolves with the exit code. */
export async function runCollector(options: RunCollectorOptions): Promise<number> {
  const hangUp = new HangUp();
  let loaded: LoadedConfig;
  try {
    loaded = await loadConfig(options.config);
    const missing = await loaded.missing();
    if (missing.length > 0) throw new ConfigError(options.config, missing, loaded.warnings);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exit.unusableConfiguration;
  }
  const log = await openLog({ verbosity: loaded.config.verbosity });
  for (const line of formatProblems(options.config, loaded.warnings)) log.warning("config_warning", line);
  const stopping = untilStopped();
  try {
    return await collect(loaded, options, log, hangUp, stopping);
  } finally {
    await log.stop({ deadlineMs: logDeadlineMs });
  }
}

async function collect(
  { config }: LoadedConfig,
  options: RunCollectorOptions,
  log: Log,
  hangUp: HangUp,
  stopping: Promise<void>,
): Promise<number> {
  const reload = new Reload({ file: options.config, running: config, log, minLogSeverity: undefined });
  let collector: Collector;
  try {
    const configurationFault = () => reload.fault;
    collector = await startCollector(config, {
      ...options,
      log,
      version: packageVersion,
      configurationFault,
    });
  } catch (error) {
    log.critical("start_failed", error instanceof Error ? error.message : String(error), {
      ...(!(error instanceof CodedError) && { err: error }),
    });
    return exit.failed;
  }
  const what = `collecting stream ${options.stream}`;
  const service = openServiceManager({
    onUnreachable: (err) =>
      log.warning("service_manager_unreachable", `systemd cannot be notified: ${err.message}`, { err }),
  });
  log.notice("started", what, { served: Object.fromEntries(collector.served), pid: process.pid });
  service.ready(what);
  hangUp.serve(async () => {
    service.reloading();
    await reload.run(collector);
    service.ready(what);
  });
  const refusal = await Promise.race([stopping, collector.refused]);
  hangUp.ignore();
  service.stopping();
  log.notice("stopping", "stopping: writing what was received");
  await collector.stop();
  const { written } = collector.router.accounting.total();
  // What was not written stays in the stream.
  log.notice("stopped", `stopped; ${written} objects are written`, { written });
  await service.stop();
  if (typeof refusal !== "string") return exit.inOrder;
  log.critical("refused", refusal);
  return exit.failed;
}
