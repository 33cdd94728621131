import { CodedError } from "../coded-error.js";
import { whoHasAccess } from "../config/access.js";
import type { Config } from "../config/config.js";
import { type LoadedConfig, loadConfig } from "../config/load.js";
import { ConfigError, formatProblems } from "../config/problem.js";
import { packageVersion } from "../package-version.js";
import { startTracer, type Tracer } from "../tracer.js";
import { formatAddress } from "../transport/address.js";
import { runtimeOptionsNote } from "./ghc-runtime-options.js";
import { HangUp } from "./hang-up.js";
import { isFileCallHanging } from "./hanging-file-call.js";
import { openLastResort } from "./last-resort.js";
import { type Log, openLog } from "./log/log.js";
import type { LogSeverity } from "./log/severity.js";
import { Reload } from "./reload.js";
import { stopSignal, untilFired } from "./stop-signal.js";
import { openServiceManager } from "./systemd/service-manager.js";
import { boundYoungObjects } from "./young-objects.js";

/** Exit codes of the daemon. */
const exit = { inOrder: 0, failed: 1, unusableConfiguration: 2 } as const;

/** For how long the last lines of the log may take. */
const logDeadlineMs = 500;

/** Milliseconds after the first SIGTERM or SIGINT at which the process ends in any case; promised are 5 s. */
const goneAfterMs = 4_500;
/** For how long the log may take then. */
const lastWordsMs = 200;

/** What the operator tells a running daemon. */
interface Signals {
  readonly stopping: AbortSignal;
  readonly hangUp: HangUp;
}

export interface DaemonOptions {
  readonly config: string;
  readonly minLogSeverity?: LogSeverity | undefined;
  /** Given for GHC's runtime, which is not here. */
  readonly runtimeOptions: readonly string[];
}

/** Runs the tracer until a signal ends it; resolves with the exit code. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  // Before all that takes time: one that comes meanwhile must not end the process.
  const hangUp = new HangUp();
  let loaded: LoadedConfig;
  try {
    loaded = await loadStartable(options.config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exit.unusableConfiguration;
  }
  boundYoungObjects();
  const { verbosity } = loaded.config;
  const log = await openLog({ minSeverity: options.minLogSeverity, verbosity });
  for (const line of formatProblems(options.config, loaded.warnings)) log.warning("config_warning", line);
  const { runtimeOptions } = options;
  if (runtimeOptions.length > 0)
    log.info("runtime_options_ignored", runtimeOptionsNote(runtimeOptions), { runtimeOptions });
  const stopping = stopSignal();
  void untilFired(stopping).then(() =>
    openLastResort({
      afterMs: goneAfterMs,
      onEnd: () => log.stop({ deadlineMs: lastWordsMs }),
    }),
  );
  const code = await runTracer(loaded.config, options, log, { stopping, hangUp });
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

/** Reads a configuration that this machine has all for. @throws ConfigError */
async function loadStartable(file: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(file);
  const missing = await loaded.missing();
  if (missing.length > 0) throw new ConfigError(file, missing, loaded.warnings);
  return loaded;
}

async function runTracer(
  config: Config,
  { config: configFile, minLogSeverity }: DaemonOptions,
  log: Log,
  { stopping, hangUp }: Signals,
): Promise<number> {
  const reload = new Reload({ file: configFile, running: config, log, minLogSeverity });
  let tracer: Tracer;
  try {
    const configurationFault = () => reload.fault;
    tracer = await startTracer(config, { log, version: packageVersion, configurationFault, stopping });
  } catch (error) {
    if (stopping.aborted) {
      log.notice("stopped", "stopped before it had started");
      return exit.inOrder;
    }
    log.critical("start_failed", error instanceof Error ? error.message : String(error), {
      ...(!(error instanceof CodedError) && { err: error }),
    });
    return exit.failed;
  }
  const { registry, router, served } = tracer;
  const where = whereOf(config);
  const service = openServiceManager({
    onUnreachable: (err) =>
      log.warning("service_manager_unreachable", `systemd cannot be notified: ${err.message}`, { err }),
  });
  for (const sentence of whoHasAccess(config, process.umask())) log.info("access", sentence);
  log.notice("started", `tracing ${where}`, {
    maxOpenFiles: registry.stats().maxOpenFiles,
    served: Object.fromEntries(served),
    pid: process.pid,
  });
  service.ready(`tracing ${where}`);
  hangUp.serve(async () => {
    service.reloading();
    await reload.run(tracer);
    service.ready(`tracing ${where}`);
  });
  await untilFired(stopping);
  hangUp.ignore();
  service.stopping();
  log.notice("stopping", "stopping: receiving what is on its way");
  await tracer.stop();
  const { received, written, dropped } = router.accounting.total();
  const facts = { received, written, dropped };
  const unwritten = router.unwritten();
  if (unwritten > 0) {
    log.error("stopped", `stopped; ${unwritten} of ${received} objects could not be written`, facts);
  } else if (dropped > 0) {
    log.notice(
      "stopped",
      `stopped; ${written} of ${received} objects are written, ${dropped} were dropped`,
      facts,
    );
  } else {
    log.notice("stopped", `stopped; all of ${received} objects are written`, facts);
  }
  await service.stop();
  return unwritten > 0 ? exit.failed : exit.inOrder;
}

function whereOf({ network }: Config): string {
  if (network.mode === "AcceptAt") return `nodes that connect to ${formatAddress(network.address)}`;
  return `nodes at ${network.addresses.map(formatAddress).join(", ")}`;
}
