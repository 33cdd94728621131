import type { Command } from "commander";
import { visibleText } from "../text/visible-text.js";
import { print } from "./print.js";

interface TopFlags {
  readonly url: string;
  readonly tokenFile?: string;
  readonly once?: true;
}

const help = `
Keys to sort: n name, r lines a second, t lines, o requests outstanding, m metrics, d dropped; the same key again reverses
the order. Arrows and page keys scroll; q quits.
Exit codes: 0 it was shown, 1 the daemon cannot be reached, 2 wrong usage.

Examples:
  muninn top --url http://127.0.0.1:12808
  muninn top --url https://tracer.example/muninn --token-file token --once`;

/** Adds `muninn top`: the state of a running daemon and its nodes. */
export function addTopCommand(program: Command): void {
  program
    .command("top")
    .summary("show the state of a running Muninn and its nodes")
    .description(
      "Shows nodes, their rates, lines by sink, and health with what to do, once a second; from the Prometheus port of a " +
        "running Muninn, or from muninn.ui.",
    )
    .requiredOption("--url <url>", "address of the Prometheus port, or of muninn.ui")
    .option("--token-file <file>", "file with the bearer token for it")
    .option("--once", "print it once, as plain text; takes a second to measure the rates")
    .addHelpText("after", help)
    .action(async (flags: TopFlags) => {
      process.exitCode = await top(flags);
    });
}

async function top({ url, tokenFile, once = undefined }: TopFlags): Promise<number> {
  const [{ TailError }, { daemonAddress }, { bearerToken }, { askDaemon }] = await Promise.all([
    import("../tail/tail-error.js"),
    import("../tail/daemon-address.js"),
    import("../tail/bearer-token.js"),
    import("../top/ask-daemon.js"),
  ]);
  try {
    if (!once && !process.stdout.isTTY)
      throw new TailError("usage", "the output is not a terminal; use --once for plain text");
    const address = daemonAddress(url, await bearerToken(tokenFile));
    const ask = () => askDaemon(address);
    const first = await ask();
    if (once) await printOnce(ask, first);
    else await watch(ask, first);
    return 0;
  } catch (error) {
    if (!(error instanceof TailError)) throw error;
    process.stderr.write(`muninn top: ${visibleText(error.message)}\n`);
    return error.code === "usage" ? 2 : 1;
  }
}

type Ask = () => Promise<import("../top/reading.js").Reading>;

async function printOnce(ask: Ask, first: Awaited<ReturnType<Ask>>): Promise<void> {
  const { setTimeout: sleep } = await import("node:timers/promises");
  const { overviewLines } = await import("../top/overview-text.js");
  await sleep(1_000);
  const plain = { colours: false, columns: undefined, rows: undefined, skipped: 0, now: Date.now() };
  const lines = overviewLines(await ask(), first, { ...plain, sort: "name", isReversed: false });
  print(`${lines.join("\n")}\n`);
}

async function watch(ask: Ask, first: Awaited<ReturnType<Ask>>): Promise<void> {
  const { watchDaemon } = await import("../top/watch-daemon.js");
  await watchDaemon(ask, first, (process.env.NO_COLOR ?? "") === "" && process.env.TERM !== "dumb");
}
