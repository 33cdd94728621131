import type { Command } from "commander";
import { wholeNumber } from "./option-values.js";
import { print } from "./print.js";

interface RecordFlags {
  readonly listen: string[];
  readonly connect: string[];
  readonly output: string;
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  readonly json?: true;
}

const help = `
For each connection to --listen it opens one to --connect; it does not matter which of the two is the node. Both options
may be given several times: the first --listen belongs to the first --connect, and so on. SIGINT and SIGTERM end the recording.

Exit codes: 0 the recording is complete, 1 some traffic is not in it, 2 it could not start.

Examples:
  muninn record --listen /run/recorder.sock --connect /run/tracer.sock -o traffic.rec   nodes connect, the tracer listens
  muninn record --listen 127.0.0.1:3000 --connect 10.0.0.7:3001 -o traffic.rec          the tracer connects, the node listens`;

export function addRecordCommand(program: Command): void {
  program
    .command("record")
    .summary("record what nodes and a tracer send each other")
    .description(
      "Sits between nodes and a tracer, passes everything on unchanged, and records both directions.",
    )
    .requiredOption("--listen <address...>", "host:port or socket file to listen at")
    .requiredOption("--connect <address...>", "host:port or socket file to connect to, for each connection")
    .requiredOption("-o, --output <file>", "the recording; nothing is overwritten")
    .option(
      "--max-bytes <bytes>",
      "start a new file (FILE.2, FILE.3 …) before one gets larger",
      wholeNumber(1),
    )
    .option("--max-files <number>", "keep only this many of the newest files", wholeNumber(1))
    .option("--json", "print the result as JSON")
    .addHelpText("after", help)
    .action(async (flags: RecordFlags) => {
      process.exitCode = await record(flags);
    });
}

async function record(flags: RecordFlags): Promise<number> {
  const { parseAddress, formatAddress } = await import("../transport/address.js");
  const { startRecorder } = await import("../recording/start-recorder.js");
  const { StatusLine, formatBytes } = await import("./status-line.js");
  const { untilStopped } = await import("../daemon/stop-signal.js");
  const { UsageError, withForeseenErrors } = await import("./foreseen-errors.js");
  const status = new StatusLine();
  return withForeseenErrors("record", status, async () => {
    if (flags.listen.length !== flags.connect.length)
      throw new UsageError("there must be as many --listen as --connect");
    const routes = flags.listen.map((listen, at) => ({
      listen: parseAddress(listen),
      connect: parseAddress(flags.connect[at]!),
    }));
    const { maxBytes, maxFiles } = flags;
    const recorder = await startRecorder({
      routes,
      recording: {
        path: flags.output,
        ...(maxBytes === undefined ? {} : { maxBytes }),
        ...(maxFiles === undefined ? {} : { maxFiles }),
        onTrouble: (text) => status.print(`muninn record: ${text}`),
      },
      onEvent: (text) => status.print(text),
    });
    for (const [at, address] of recorder.addresses.entries())
      status.print(`listening at ${formatAddress(address)} for ${formatAddress(routes[at]!.connect)}`);
    const ticking = setInterval(() => {
      const { connectionsNow, bytesFromOpeners, bytesFromListeners, bytesWritten } = recorder.status();
      const traffic = formatBytes(bytesFromOpeners + bytesFromListeners);
      status.show(
        `${connectionsNow} connections, ${traffic} passed on, ${formatBytes(bytesWritten)} recorded`,
      );
    }, 250);
    await untilStopped();
    clearInterval(ticking);
    const summary = await recorder.stop();
    status.clear();
    const { connections, bytesFromOpeners, bytesFromListeners, bytesWritten, bytesMissing, files } = summary;
    const complete = bytesMissing === 0;
    const traffic = formatBytes(bytesFromOpeners + bytesFromListeners);
    const text = `${connections} connections, ${traffic} passed on, ${formatBytes(bytesWritten)} in ${files.join(", ")}`;
    const missing = complete ? "" : `\nINCOMPLETE: ${bytesMissing} bytes of traffic are not in the recording`;
    print(flags.json ? `${JSON.stringify({ complete, ...summary })}\n` : `${text}${missing}\n`);
    return complete ? 0 : 1;
  });
}
