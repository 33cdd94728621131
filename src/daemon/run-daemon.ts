import { whoHasAccess } from "../config/access.js";
import type { Config } from "../config/config.js";
import { startTracer } from "../tracer.js";
import { formatAddress } from "../transport/address.js";
import { runtimeOptionsNote } from "./ghc-runtime-options.js";
import type { LogSeverity } from "./log/severity.js";
import { exit, runService } from "./run-service.js";
import { stopLine } from "./stop-line.js";

export interface DaemonOptions {
  readonly config: string;
  readonly minLogSeverity?: LogSeverity | undefined;
  /** Options for GHC's runtime, which Muninn does not have. */
  readonly runtimeOptions: readonly string[];
}

/** Runs the tracer until a signal ends it; resolves with the exit code. */
export function runDaemon({ config, minLogSeverity, runtimeOptions }: DaemonOptions): Promise<number> {
  return runService({
    config,
    minLogSeverity,
    announce: (log) => {
      if (runtimeOptions.length > 0)
        log.info("runtime_options_ignored", runtimeOptionsNote(runtimeOptions), { runtimeOptions });
    },
    start: startTracer,
    what: (config) => `tracing ${whereOf(config)}`,
    startedFacts: ({ registry }, config, log) => {
      for (const sentence of whoHasAccess(config, process.umask())) log.info("access", sentence);
      return { maxOpenFiles: registry.stats().maxOpenFiles };
    },
    stopping: "stopping: receiving what is still on its way",
    logStopped: (tracer, log) => {
      const { message, facts } = stopLine(tracer.outcome());
      const isWhole = tracer.router.unwritten() === 0;
      if (isWhole) log.notice("stopped", message, facts);
      else log.error("stopped", message, facts);
      return isWhole ? exit.inOrder : exit.failed;
    },
  });
}

function whereOf({ network }: Config): string {
  if (network.mode === "AcceptAt") return `nodes that connect to ${formatAddress(network.address)}`;
  return `nodes at ${network.addresses.map(formatAddress).join(", ")}`;
}
