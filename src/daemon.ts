import { untilStopped } from "./commands/stop-signal.js";
import type { Config } from "./config/config.js";
import { loadConfig } from "./config/load.js";
import { ConfigError, formatProblem } from "./config/problem.js";
import { type Log, openLog } from "./log/log.js";
import type { LogSeverity } from "./log/severity.js";
import { packageVersion } from "./package-version.js";
import { openServiceManager } from "./service/service-manager.js";
import { startTracer, type Tracer } from "./tracer.js";
import { formatAddress } from "./transport/address.js";

/** Exit codes of the daemon. */
const exit = { inOrder: 0, failed: 1, unusableConfiguration: 2 } as const;

/** For how long the last lines of the log may take. */
const logDeadlineMs = 500;

export interface DaemonOptions {
  readonly config: string;
  readonly minLogSeverity?: LogSeverity | undefined;
}

/** Runs the tracer until a signal ends it; resolves with the exit code. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  let loaded: Awaited<ReturnType<typeof loadConfig>>;
  try {
    loaded = await loadConfig(options.config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exit.unusableConfiguration;
  }
  const { config, warnings } = loaded;
  const refused = refusedFields(config);
  if (refused.length > 0) {
    for (const message of refused) process.stderr.write(`${options.config}: ${message}\n`);
    return exit.unusableConfiguration;
  }
  const log = await openLog({ minSeverity: options.minLogSeverity, verbosity: config.verbosity });
  for (const problem of warnings) log.warning("config_warning", formatProblem(options.config, problem));
  if (config.endpoints.timeseries !== undefined) {
    log.warning("not_served", "hasTimeseries is not served yet; everything else is", {
      field: "hasTimeseries",
    });
  }
  const code = await runTracer(config, options.config, log);
  await log.stop({ deadlineMs: logDeadlineMs });
  return code;
}

/** Fields that would lose messages if they were passed over. */
function refusedFields({ logging, forwarding }: Config): string[] {
  const refused: string[] = [];
  const journal = logging.findIndex(({ mode }) => mode === "JournalMode");
  if (journal !== -1) {
    refused.push(
      `logging[${journal}].logMode: JournalMode is not served yet; use FileMode, or leave the section out`,
    );
  }
  if (forwarding !== undefined)
    refused.push("hasForwarding: forwarding is not served yet; leave the field out");
  return refused;
}

async function runTracer(config: Config, configFile: string, log: Log): Promise<number> {
  const stopping = untilStopped();
  let tracer: Tracer;
  try {
    tracer = await startTracer(config, { log, version: packageVersion });
  } catch (error) {
    log.critical("start_failed", error instanceof Error ? error.message : String(error), { err: error });
    return exit.failed;
  }
  const { registry, router, served } = tracer;
  const where = whereOf(config);
  const service = openServiceManager({
    onUnreachable: (err) =>
      log.warning("service_manager_unreachable", `systemd is not told: ${err.message}`, { err }),
  });
  log.notice("started", `tracing ${where}`, {
    maxOpenFiles: registry.stats().maxOpenFiles,
    served: Object.fromEntries(served),
    pid: process.pid,
  });
  service.ready(`tracing ${where}`);
  const reload = () => {
    service.reloading();
    reloadTracer(tracer, config, configFile, log)
      .catch((err: Error) => log.error("reload_failed", `what was stays as it is: ${err.message}`, { err }))
      .finally(() => service.ready(`tracing ${where}`));
  };
  process.on("SIGHUP", reload);
  await stopping;
  service.stopping();
  log.notice("stopping", "stopping: taking what is on its way");
  await tracer.stop();
  process.off("SIGHUP", reload);
  const { received, written, dropped } = router.accounting.total();
  const facts = { received, written, dropped };
  if (dropped > 0) {
    log.error("stopped", `stopped; ${dropped} of ${received} objects could not be written`, facts);
  } else {
    log.notice("stopped", `stopped; all of ${received} objects are written`, facts);
  }
  await service.stop();
  return dropped > 0 ? exit.failed : exit.inOrder;
}

/** Fields that a reload brings into effect; all others would drop nodes, or are bound to what is open. */
const reloadable: readonly string[] = ["tlsCertificate"];

/** Opens log files and certificates anew; says which changes of the configuration wait for a restart. */
async function reloadTracer(tracer: Tracer, running: Config, configFile: string, log: Log): Promise<void> {
  const { config } = await loadConfig(configFile);
  await tracer.reload(config.tlsCertificate);
  const names = Object.keys({ ...running, ...config }) as (keyof Config)[];
  const changed = names.filter((name) => JSON.stringify(running[name]) !== JSON.stringify(config[name]));
  const waiting = changed.filter((name) => !reloadable.includes(name));
  log.notice("reloaded", "SIGHUP: log files and certificates are opened anew");
  if (waiting.length > 0) {
    log.warning("restart_needed", `changes of ${waiting.join(", ")} take a restart`, { fields: waiting });
  }
}

function whereOf({ network }: Config): string {
  if (network.mode === "AcceptAt") return `nodes that connect to ${formatAddress(network.address)}`;
  return `nodes at ${network.addresses.map(formatAddress).join(", ")}`;
}
