import type { Command } from "commander";
import { wholeNumber } from "./option-values.js";
import { print } from "./print.js";

interface VerifyFlags {
  readonly sent: string[];
  readonly logs: string[];
  readonly name?: string;
  readonly node?: string[];
  readonly copies: number;
  readonly window: number;
  readonly places: number;
  readonly json?: true;
}

const help = `
Exit codes: 0 everything is right, 1 something is lost, doubled, out of order, torn or foreign, 2 unknown: wrong usage, or
files that cannot be read.

Examples:
  muninn verify --sent traffic.rec --logs /var/log/cardano-tracer
  muninn verify --sent logs-of-the-other-tracer --logs logs --json`;

export function addVerifyCommand(program: Command): void {
  program
    .command("verify")
    .summary("say whether log files hold everything that was sent")
    .description("Checks whether log files hold everything that was sent: once, whole, and in order.")
    .requiredOption(
      "--sent <what...>",
      "recordings, raw forwarder bytes (.bin), log directories, files of lines, or reports of simulate --json",
    )
    .requiredOption("--logs <directory...>", "log directories (logRoot); each must hold everything")
    .option("--name <name>", "the node that all of --sent belongs to, if it has no name")
    .option(
      "--copies <n>",
      "each node was replayed this many times (replay --nodes), as NAME-1, NAME-2 …",
      wholeNumber(1),
      1,
    )
    .option("--node <name...>", "check these nodes only")
    .option(
      "--window <lines>",
      "how far out of place a line may be and still be recognised",
      wholeNumber(1),
      250_000,
    )
    .option("--places <number>", "how many places of each defect are shown for a node", wholeNumber(1), 5)
    .option("--json", "print the verdict as JSON")
    .addHelpText("after", help)
    .action(async (flags: VerifyFlags) => {
      process.exitCode = await verifyLogs(flags);
    });
}

async function verifyLogs(flags: VerifyFlags): Promise<number> {
  const { openSent } = await import("../verification/open-sent.js");
  const { verify } = await import("../verification/verify.js");
  const { verdictText } = await import("../verification/verdict-text.js");
  const { StatusLine, formatBytes } = await import("./status-line.js");
  const { UsageError, withForeseenErrors } = await import("./foreseen-errors.js");
  const status = new StatusLine();
  return withForeseenErrors("verify", status, async () => {
    status.show("reading what was sent");
    await using sent = await openSent(flags.sent, { name: flags.name, copies: flags.copies });
    const verdict = await verify({
      sent: sent.nodes,
      remarks: sent.remarks,
      logs: flags.logs,
      ...(flags.node === undefined ? {} : { only: new Set(flags.node) }),
      window: flags.window,
      maxPlaces: flags.places,
      progress: ({ bytes, totalBytes, node }) => {
        const done = bar(bytes / totalBytes);
        status.show(`${done} ${formatBytes(bytes)} of ${formatBytes(totalBytes)}  ${node}`);
      },
    });
    if (verdict.nodes.length === 0) throw new UsageError("there is no node to check");
    const checked = new Set(verdict.nodes.map(({ node }) => node));
    const unknown = flags.node?.find((name) => !checked.has(name));
    if (unknown !== undefined)
      throw new UsageError(`${unknown} (--node) neither sent anything nor has a log`);
    status.clear();
    print(flags.json ? `${JSON.stringify(verdict, undefined, 2)}\n` : verdictText(verdict));
    return verdict.ok ? 0 : 1;
  });
}

const barWidth = 30;

function bar(part: number): string {
  const filled = Math.round(part * barWidth);
  return `[${"#".repeat(filled)}${" ".repeat(barWidth - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}
