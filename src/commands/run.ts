import { type Command, Option } from "commander";
import { type LogSeverity, logSeverities } from "../daemon/log/severity.js";

/** Adds `muninn run`, the tracer itself; also what plain `muninn -c FILE` means. */
export function addRunCommand(
  program: Command,
  { runtimeOptions }: { readonly runtimeOptions: readonly string[] },
): void {
  program
    .command("run", { isDefault: true })
    .summary("collect traces (what `muninn -c FILE` does)")
    .description(
      "Collects the traces of nodes, with a configuration file of cardano-tracer. SIGTERM or SIGINT stops in order, " +
        "a second one at once; SIGHUP reopens log files and reads the configuration again.",
    )
    .requiredOption("-c, --config <file>", "configuration, JSON or YAML")
    .option(
      "--state-dir <dir>",
      "accepted for compatibility with cardano-tracer; Muninn keeps no state except the logs",
    )
    .addOption(
      new Option("--min-log-severity <severity>", "minimum severity of the daemon's own messages").choices(
        logSeverities,
      ),
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 stopped in order, 1 failed or left something unwritten, 2 wrong usage or configuration.",
    )
    .action(async (options: { config: string; minLogSeverity?: LogSeverity }) => {
      const { runDaemon } = await import("../daemon/run-daemon.js");
      process.exitCode = await runDaemon({ ...options, runtimeOptions });
    });
}
