import type { Command } from "commander";
import type { Config } from "../config/config.js";
import type { Problem } from "../config/problem.js";
import { print } from "./print.js";

/** Adds `muninn check`: says what a configuration means without starting anything. */
export function addCheckCommand(program: Command): void {
  program
    .command("check")
    .summary("say what a configuration means, and everything that is wrong with it")
    .description(
      "Reads a configuration as `muninn run` does and prints the effective one, with every default filled in, as YAML. " +
        "Warnings and errors go to stderr, one a line: FILE:LINE:COLUMN: FIELD: what is wrong; what is allowed.",
    )
    .requiredOption("-c, --config <file>", "configuration, JSON or YAML")
    .option("--json", "print one JSON document instead, errors and warnings included")
    .addHelpText("after", "\nExit codes: 0 the configuration can be used, 2 it cannot, or wrong usage.")
    .action(async ({ config, json }: { config: string; json?: true }) => {
      const outcome = await check(config);
      await (json ? printForPrograms(outcome) : printForPeople(outcome));
      process.exitCode = outcome.config === undefined ? 2 : 0;
    });
}

/** What `--json` prints; fields are only ever added. */
interface Outcome {
  readonly file: string;
  /** The effective configuration, times in ms and sizes in bytes, secrets masked; absent where there are errors. */
  readonly config?: Config;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

async function check(file: string): Promise<Outcome> {
  const [{ loadConfig }, { ConfigError }] = await Promise.all([
    import("../config/load.js"),
    import("../config/problem.js"),
  ]);
  try {
    const { config, warnings } = await loadConfig(file);
    return { file, config, errors: [], warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { file, errors: error.problems, warnings: error.warnings };
  }
}

async function printForPeople({ file, config, errors, warnings }: Outcome): Promise<void> {
  const [{ formatConfig }, { formatProblem }] = await Promise.all([
    import("../config/format.js"),
    import("../config/problem.js"),
  ]);
  for (const problem of errors) process.stderr.write(`error: ${formatProblem(file, problem)}\n`);
  for (const problem of warnings) process.stderr.write(`warning: ${formatProblem(file, problem)}\n`);
  if (config !== undefined) print(formatConfig(config));
}

async function printForPrograms(outcome: Outcome): Promise<void> {
  const { maskSecrets } = await import("../config/format.js");
  const masked = outcome.config === undefined ? outcome : { ...outcome, config: maskSecrets(outcome.config) };
  print(`${JSON.stringify(masked, undefined, 2)}\n`);
}
