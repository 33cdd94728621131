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
        "Warnings and errors go to stderr, one a line: FILE:LINE:COLUMN: FIELD: what is wrong; what is allowed. " +
        "Notes on who may connect and read follow, and finally the verdict.",
    )
    .requiredOption("-c, --config <file>", "configuration, JSON or YAML")
    .option("--here", "check this machine, too: ports in use, directories that cannot be written")
    .option("--json", "print one JSON document instead, errors and warnings included")
    .addHelpText("after", "\nExit codes: 0 the configuration can be used, 2 it cannot, or wrong usage.")
    .action(async ({ config, here, json }: { config: string; here?: true; json?: true }) => {
      const outcome = await check(config, { here: here ?? false });
      await (json ? printForPrograms(outcome) : printForPeople(outcome));
      process.exitCode = isUsable(outcome) ? 0 : 2;
    });
}

/** What `--json` prints; fields are only ever added. */
interface Outcome {
  readonly file: string;
  /** The effective configuration, times in ms and sizes in bytes, secrets masked; absent if it cannot be made. */
  readonly config?: Config;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Sentences on who may connect and who may read; absent if `config` is. */
  readonly access?: readonly string[];
}

function isUsable({ errors }: Outcome): boolean {
  return errors.length === 0;
}

async function check(file: string, { here }: { readonly here: boolean }): Promise<Outcome> {
  const [{ loadConfig }, { ConfigError }, { whoHasAccess }] = await Promise.all([
    import("../config/load.js"),
    import("../config/problem.js"),
    import("../config/access.js"),
  ]);
  try {
    const { config, warnings, placed, missing, remarks } = await loadConfig(file);
    const machine = here ? await (await import("./machine-check.js")).machineIssues(config) : [];
    // `run` would start without it, but that is surely not intended.
    const isError = ({ code }: Problem) => code === "degraded";
    return {
      file,
      config,
      errors: [...warnings.filter(isError), ...(await missing()), ...(await placed(machine))],
      warnings: [...warnings.filter((problem) => !isError(problem)), ...(await remarks())],
      access: whoHasAccess(config, process.umask()),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { file, errors: error.problems, warnings: error.warnings };
  }
}

async function printForPeople(outcome: Outcome): Promise<void> {
  const { file, config, errors, warnings, access = [] } = outcome;
  const [{ formatConfig }, { formatProblem }] = await Promise.all([
    import("../config/format.js"),
    import("../config/problem.js"),
  ]);
  if (config !== undefined && isUsable(outcome)) print(formatConfig(config));
  const say = (line: string) => process.stderr.write(`${line}\n`);
  for (const problem of errors) say(`error: ${formatProblem(file, problem)}`);
  for (const problem of warnings) say(`warning: ${formatProblem(file, problem)}`);
  if (isUsable(outcome)) for (const sentence of access) say(`note: ${sentence}`);
  say(verdict(outcome));
}

function verdict(outcome: Outcome): string {
  const { file, errors, warnings } = outcome;
  const counted = (problems: readonly Problem[], one: string) =>
    problems.length === 0 ? [] : [`${problems.length} ${one}${problems.length === 1 ? "" : "s"}`];
  const counts = [...counted(errors, "error"), ...counted(warnings, "warning")];
  const why = counts.length === 0 ? "" : `: ${counts.join(", ")}`;
  return `${file} ${isUsable(outcome) ? "can be used" : "cannot be used"}${why}`;
}

async function printForPrograms(outcome: Outcome): Promise<void> {
  const { maskSecrets } = await import("../config/format.js");
  const masked = outcome.config === undefined ? outcome : { ...outcome, config: maskSecrets(outcome.config) };
  print(`${JSON.stringify(masked, undefined, 2)}\n`);
}
