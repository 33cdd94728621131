import { type Command, InvalidArgumentError, Option } from "commander";
import { type Severity, severities } from "../protocol/trace-batch.js";
import type { LineFilter } from "../tail/line-filter.js";
import type { LineSearch } from "../tail/line-search.js";
import { visibleText } from "../text/visible-text.js";
import { wholeNumber } from "./option-values.js";

interface TailFlags {
  readonly namespace?: string[];
  readonly severity?: Severity;
  readonly grep?: string;
  readonly since?: string;
  readonly lines?: number;
  readonly follow?: boolean;
  readonly format: "human" | "json";
  readonly wrap?: boolean;
  readonly dir?: string;
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
}

const defaultLines = 10;

const help = `
Where the lines come from, one of:
  --dir LOGROOT   log files, compressed ones too
  -c FILE         the log files of that configuration
  --url URL       a running Muninn (muninn.ui): what it receives from now on; it filters, no file is read

Without -n, --since shows all lines from then on. Ctrl-C ends it.
Exit codes: 0 all was shown, 1 a node is unknown or the daemon cannot be reached, 2 wrong usage, or the files cannot be read.

Examples:
  muninn tail --dir /var/log/cardano-tracer -f
  muninn tail relay-1 relay-2 --severity warning --since 2h -c tracer.yaml
  muninn tail --namespace ChainDB --grep 'slot.{0,4}674' --format json --dir logs | jq .data`;

/** Adds `muninn tail`: the last lines of nodes, and new ones. */
export function addTailCommand(program: Command): void {
  program
    .command("tail")
    .argument("[node...]", "names of nodes, as in their directories; all if none is given")
    .summary("show the last lines of nodes, and follow new ones")
    .description(
      "Shows the lines of nodes in the order of their times, from log files or from a running Muninn.",
    )
    .option(
      "--namespace <prefix>",
      "only those below this namespace, such as ChainDB.AddBlockEvent; may be repeated",
      (prefix: string, before: string[] = []) => [...before, prefix],
    )
    .option("--severity <severity>", "only this severity and worse", severity)
    .option("--grep <regex>", "only lines that match this regular expression")
    .option("--since <time>", "only lines from a time on: 10m, 2h, 2026-02-16T09:30 (UTC)")
    .option("-n, --lines <n>", `number of last lines to show (default: ${defaultLines})`, wholeNumber(0))
    .option("-f, --follow", "keep showing new lines, of new files and new nodes, too")
    .addOption(
      new Option("--format <format>", "for people or for programs")
        .choices(["human", "json"])
        .default("human"),
    )
    .option("--wrap", "on a terminal, wrap long lines instead of cutting them")
    .option("--dir <logroot>", "directory of log files (logRoot), or that of one node")
    .option("-c, --config <file>", "configuration that names it")
    .option("--url <url>", "address of a running Muninn's muninn.ui")
    .option("--token-file <file>", "file with the bearer token for --url")
    .addHelpText("after", help)
    .action(async (nodes: string[], flags: TailFlags) => {
      process.exitCode = await tail(nodes, flags);
    });
}

async function tail(nodes: readonly string[], flags: TailFlags): Promise<number> {
  const { withForeseenErrors, UsageError } = await import("./foreseen-errors.js");
  const { StatusLine } = await import("./status-line.js");
  const { TailError } = await import("../tail/tail-error.js");
  const run = async () => {
    try {
      const places = [flags.dir, flags.config, flags.url].filter((place) => place !== undefined);
      if (places.length !== 1)
        throw new UsageError("give one of --dir LOGROOT, -c FILE and --url URL (see --help)");
      if (flags.url === undefined && flags.tokenFile !== undefined)
        throw new UsageError("--token-file goes with --url only");
      await (flags.url === undefined ? showFiles(nodes, flags) : showDaemon(nodes, flags, flags.url));
      return 0;
    } catch (error) {
      if (!(error instanceof TailError)) throw error;
      if (error.code === "reader-gone") return 0;
      remark(error.message);
      return error.code === "usage" ? 2 : 1;
    }
  };
  return withForeseenErrors("tail", new StatusLine(), run);
}

async function showFiles(nodes: readonly string[], flags: TailFlags): Promise<void> {
  const { follow = false } = flags;
  const [{ tailFiles }, search, display] = await Promise.all([
    import("../tail/tail-files.js"),
    flags.grep === undefined ? undefined : searchFor(flags.grep),
    openDisplay(flags, follow),
  ]);
  const since = flags.since === undefined ? undefined : await timeGiven(flags.since);
  const lines = tailFiles({
    root: flags.dir ?? (await configuredRoot(flags.config!)),
    nodes,
    count: flags.lines ?? (since === undefined ? defaultLines : undefined),
    wanted: { ...filterOf(flags), since, search },
    follow,
    remark,
  });
  for await (const some of lines) await display.show(some);
  await display.end();
}

async function showDaemon(nodes: readonly string[], flags: TailFlags, url: string): Promise<void> {
  const { UsageError } = await import("./foreseen-errors.js");
  if (flags.since !== undefined || flags.lines !== undefined)
    throw new UsageError(
      "--since and -n do not go with --url: earlier lines are in the log files (--dir, -c)",
    );
  const [{ tailDaemon }, { daemonAddress }, { bearerToken }, display] = await Promise.all([
    import("../tail/tail-daemon.js"),
    import("../tail/daemon-address.js"),
    import("../tail/bearer-token.js"),
    openDisplay(flags, true),
  ]);
  const address = daemonAddress(url, await bearerToken(flags.tokenFile));
  const told = tailDaemon({ address, nodes, filter: filterOf(flags), grep: flags.grep, remark });
  for await (const { lines, missed } of told) {
    if (missed > 0) await display.missed(missed);
    await display.show(lines);
  }
}

function filterOf({ namespace, severity }: TailFlags): LineFilter {
  return { namespaces: namespace, severity };
}

async function timeGiven(text: string): Promise<bigint> {
  const { sinceTime } = await import("../tail/time-option.js");
  const { UsageError } = await import("./foreseen-errors.js");
  const time = sinceTime(text, Date.now());
  if (time === undefined)
    throw new UsageError(
      `--since: ${text} is not a time; use 30s, 10m, 2h, 1d, or 2026-02-16T09:30:01 (UTC)`,
    );
  return time;
}

async function searchFor(regex: string): Promise<LineSearch> {
  const { LineSearch } = await import("../tail/line-search.js");
  return new LineSearch(regex);
}

async function configuredRoot(file: string): Promise<string> {
  const { logRootOf } = await import("../tail/configured-root.js");
  return logRootOf(file);
}

async function openDisplay({ format, wrap = false }: TailFlags, isLive: boolean) {
  const { Display } = await import("../tail/display.js");
  return new Display({ format, wrap, isLive });
}

function severity(text: string): Severity {
  const found = severities.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`must be one of ${severities.join(", ")}.`);
}

function remark(sentence: string): void {
  process.stderr.write(`muninn tail: ${visibleText(sentence)}\n`);
}
