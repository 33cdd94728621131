import { type Command, InvalidArgumentError } from "commander";

interface CollectCommandOptions {
  readonly config: string;
  readonly from: readonly string[];
  readonly stream: string;
  readonly group?: string;
}

/** Adds `muninn collect`, which writes what other tracers have put into a NATS stream. */
export function addCollectCommand(program: Command): void {
  program
    .command("collect")
    .summary("write the log files of what tracers put into a NATS stream")
    .description(
      "Reads a NATS JetStream stream that tracers write to (muninn.sinks, kind nats), and writes the same files as if their " +
        "nodes were connected here. From the configuration it uses logging, rotation and muninn, and the HTTP endpoints; never " +
        "network, hasForwarding and muninn.sinks. Credentials are under muninn.collect. SIGTERM or SIGINT stops in order.",
    )
    .requiredOption("-c, --config <file>", "configuration, JSON or YAML")
    .requiredOption(
      "--from <url>",
      "a NATS server, nats://HOST:PORT; repeat it for each server of a cluster",
      addServer,
    )
    .requiredOption("--stream <name>", "the stream to read")
    .option("--group <name>", "collectors of one group share the nodes (default: muninn)", groupName)
    .addHelpText("after", "\nExit codes: 0 stopped in order, 1 failed, 2 wrong usage or configuration.")
    .action(async ({ from: servers, ...options }: CollectCommandOptions) => {
      const { runCollector } = await import("../collect/run-collector.js");
      process.exitCode = await runCollector({ ...options, servers });
    });
}

function addServer(text: string, before: readonly string[] = []): readonly string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["nats:", "tls:"].includes(url.protocol) || url.hostname === "")
    throw new InvalidArgumentError("It must be nats://HOST:PORT or tls://HOST:PORT.");
  if (url.username !== "" || url.password !== "")
    throw new InvalidArgumentError("Credentials belong in the configuration, under muninn.collect.");
  return [...before, text];
}

function groupName(text: string): string {
  if (!/^[\w-]{1,40}$/.test(text))
    throw new InvalidArgumentError("It must consist of letters, digits, - and _, at most 40.");
  return text;
}
