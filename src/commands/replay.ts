import { type Command, InvalidArgumentError } from "commander";
import { positiveNumber, wholeNumber } from "./option-values.js";
import { print } from "./print.js";

interface ReplayFlags {
  readonly connect?: string;
  readonly listen?: string;
  readonly magic: number;
  readonly speed: number;
  readonly nodes: number;
  readonly name?: string;
  readonly loop?: number | true;
  readonly from?: Moment;
  readonly to?: Moment;
  readonly json?: true;
}

/** Seconds from the beginning, or microseconds since 1970. */
type Moment = { readonly seconds: number } | { readonly micros: number };

const help = `
Exit codes: 0 everything was sent and the tracer has asked for more, or a signal ended it, 1 a node was refused, 2 it could
not start.

Examples:
  muninn replay traffic.rec --connect /run/tracer.sock                     at the recorded speed
  muninn replay logs/node-1 --connect 127.0.0.1:3000 --speed max --nodes 50`;

/** Adds `muninn replay`: plays recorded nodes as live ones. */
export function addReplayCommand(program: Command): void {
  program
    .command("replay")
    .summary("play recorded nodes, or log files, to a tracer")
    .description(
      "Acts as the nodes of a recording, of raw forwarder bytes (.bin), or of log files: answers a tracer's requests with the " +
        "recorded trace objects as they were, metrics and data points.",
    )
    .argument("<what...>", "recordings, .bin files, log directories, or files of lines")
    .option("--connect <address>", "the tracer's socket path or host:port")
    .option(
      "--listen <address>",
      "listen there instead; with several nodes, at paths with -1, -2 … or at consecutive ports",
    )
    .option("--magic <n>", "network magic", wholeNumber(0), 764_824_073)
    .option("--speed <n>", "recorded seconds per second, or max: as fast as the tracer asks", speed, 1)
    .option("--nodes <n>", "copies of each node, as NAME-1, NAME-2 …", wholeNumber(1), 1)
    .option("--name <name>", "name instead of the recorded one")
    .option("--loop [n]", "play this many times; without a number, until a signal", wholeNumber(1))
    .option(
      "--from <when>",
      "start there: seconds from the beginning, or a time such as 2026-02-16T09:30:00Z",
      moment,
    )
    .option("--to <when>", "end there", moment)
    .option("--json", "print the report as one JSON document")
    .addHelpText("after", help)
    .action(async (what: string[], flags: ReplayFlags, command: Command) => {
      if ((flags.connect === undefined) === (flags.listen === undefined))
        command.error("error: give either --connect ADDRESS or --listen ADDRESS");
      process.exitCode = await replay(what, flags);
    });
}

function speed(text: string): number {
  return text === "max" ? Number.POSITIVE_INFINITY : positiveNumber(text);
}

function moment(text: string): Moment {
  const seconds = Number(text);
  if (text.trim() !== "" && Number.isFinite(seconds)) return { seconds };
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) throw new InvalidArgumentError("must be seconds, or a time in ISO 8601.");
  return { micros: milliseconds * 1_000 };
}

async function replay(what: readonly string[], flags: ReplayFlags): Promise<number> {
  const { formatAddress, parseAddress } = await import("../transport/address.js");
  const { openTracks } = await import("../recording/replay-track.js");
  const { startReplay } = await import("../recording/start-replay.js");
  const { StatusLine, formatBytes } = await import("./status-line.js");
  const { untilStopped } = await import("../daemon/stop-signal.js");
  const { UsageError, withForeseenErrors } = await import("./foreseen-errors.js");
  const { sumOf, watchNodes } = await import("./node-watch.js");
  const status = new StatusLine();
  return withForeseenErrors("replay", status, async () => {
    const network =
      flags.connect === undefined
        ? { mode: "listen" as const, address: parseAddress(flags.listen!) }
        : { mode: "connect" as const, address: parseAddress(flags.connect) };
    status.show("reading what was recorded");
    const { tracks, remarks } = await openTracks(what);
    if (tracks.length === 0) throw new UsageError(`there is no node to play in ${what.join(", ")}`);
    const began = tracks.reduce((least, track) => earlier(least, track.began), 0);
    const micros = (when: Moment | undefined) =>
      when === undefined || "micros" in when ? when?.micros : began + when.seconds * 1e6;
    const stopped = untilStopped();
    const running = await startReplay({
      tracks,
      network,
      magic: flags.magic,
      speed: flags.speed,
      copies: flags.nodes,
      loops: flags.loop === true ? Number.POSITIVE_INFINITY : (flags.loop ?? 1),
      name: flags.name,
      from: micros(flags.from),
      to: micros(flags.to),
      onDirectoryMade: (directory) => status.print(`directory ${directory} was missing and has been created`),
    });
    for (const { name, address } of running.nodes)
      if (address !== undefined) status.print(`${name} listens at ${formatAddress(address)}`);
    try {
      await watchNodes(status, running.reports, Promise.race([running.finished, stopped]));
    } finally {
      await running.stop();
    }
    for (const remark of remarks) status.print(`muninn replay: ${remark}`);
    const reports = running.reports();
    const lines = reports.map(
      (node) => `${node.name}: ${node.objectsSent} objects in ${formatBytes(node.bytesSent)}`,
    );
    print(flags.json ? `${JSON.stringify({ nodes: reports, remarks })}\n` : `${lines.join("\n")}\n`);
    return sumOf(reports).refusals > 0 ? 1 : 0;
  });
}

/** The earlier of two times; 0 means none. */
function earlier(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);
}
