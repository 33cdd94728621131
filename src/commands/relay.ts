import type { Command } from "commander";
import type { LinkAddress } from "../transport/address.js";

interface RelayFlags {
  readonly listen: string;
  readonly to: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly socketMode?: string;
}

/** How long nodes may finish what they are sending when the relay stops. */
const drainMs = 2_000;
const maxConnections = 4_096;
/** Limit of V8's memory for young objects, both halves: a relay's objects are small and short-lived. */
const youngBytes = 2 * 1_024 * 1_024;
/** Of a node at a time: a piece of what is on its way (join-streams.ts). */
const readBytes = 64 * 1_024;

const help = `
The token is the first line of its file; \`muninn token FILE\` creates one. Files are read again for each connection.
HTTPS_PROXY (for ws:// HTTP_PROXY) names an HTTP proxy to use, unless NO_PROXY lists the tracer's host.

Exit codes: 0 a signal ended it, 2 it could not start, or wrong usage.

Examples:
  muninn relay --listen /run/muninn-relay/node.sock --to wss://tracer.example:3443/nodes --token-file relay.token
  muninn relay --listen 127.0.0.1:3001 --to tls://tracer.example:3443 --ca ca.pem --cert relay.pem --key relay.key`;

/** Adds `muninn relay`: looks like a local tracer to nodes, and passes them on to a distant one. */
export function addRelayCommand(program: Command): void {
  program
    .command("relay")
    .summary("connect nodes to a distant tracer, over TLS or a WebSocket")
    .description(
      "Runs next to nodes, which see it as their tracer, and passes all bytes on to a distant tracer, one connection for each " +
        "node. It stores nothing: while the tracer is away nodes keep their messages, and reconnect by themselves.",
    )
    .requiredOption("--listen <address>", "where nodes connect: a socket path, or host:port")
    .requiredOption(
      "--to <address>",
      "the tracer: wss://host:port/path, ws://…, tls://host:port, tcp://host:port or unix:/path",
    )
    .option("--token-file <file>", "token that the tracer knows, for wss:// and ws://")
    .option(
      "--ca <file>",
      "PEM: the authority that issued the tracer's certificate, instead of the public ones",
    )
    .option("--cert <file>", "PEM: our certificate, with its chain")
    .option("--key <file>", "PEM: its key")
    .option("--server-name <name>", "name in the tracer's certificate, if not the host's")
    .option(
      "--socket-mode <mode>",
      "permissions of the socket, such as 0660; otherwise the umask decides, 0770 at most",
    )
    .addHelpText("after", help)
    .action(async (flags: RelayFlags) => {
      process.exitCode = await relay(flags);
    });
}

async function relay(flags: RelayFlags): Promise<number> {
  await saveMemory();
  const [{ parseAddress, parseLinkAddress, formatAddress, formatLinkAddress }, { startRelay }] =
    await Promise.all([import("../transport/address.js"), import("../transport/relay.js")]);
  const { RateLimitedLines, times } = await import("../text/rate-limited-lines.js");
  const { untilStopped } = await import("../daemon/stop-signal.js");
  const { openServiceManager } = await import("../daemon/systemd/service-manager.js");
  const { UsageError, withForeseenErrors } = await import("./foreseen-errors.js");
  const { CertificateError } = await import("../config/certificate.js");
  const { parseMode } = await import("../fields/quantities.js");
  const { StatusLine } = await import("./status-line.js");
  const say = (text: string) => process.stderr.write(`muninn relay: ${text}\n`);

  return withForeseenErrors(
    "relay",
    new StatusLine(),
    async () => {
      const stopped = untilStopped();
      // Files are read again at each connection.
      process.on("SIGHUP", () => {});
      const to = parseLinkAddress(flags.to);
      const credentials = await credentialsBy(flags, to, UsageError);
      await credentials();
      const socketMode = flags.socketMode === undefined ? undefined : parseMode(flags.socketMode);
      if (flags.socketMode !== undefined && socketMode === undefined)
        throw new UsageError("--socket-mode must be octal permission bits such as 0660");
      const service = openServiceManager({
        onUnreachable: (error) => say(`systemd cannot be notified: ${error.message}`),
      });
      const target = formatLinkAddress(to);
      // Whoever may connect, and the tracer, decide how often these happen.
      const lines = new RateLimitedLines({ burst: 5 });
      const running = await startRelay({
        listen: parseAddress(flags.listen),
        to,
        credentials,
        socketMode,
        maxConnections,
        onDirectoryMade: (directory) => say(`directory ${directory} was missing and has been created`),
        onModeNarrowed: (path) =>
          say(`only owner and group may connect to ${path}; --socket-mode allows others`),
        observer: {
          changed: (nodes) => service.status(`${nodes} nodes are connected with ${target}`),
          unreachable: ({ message }) =>
            lines.say("unreachable", "", (count) =>
              say(
                `cannot reach ${target}, nodes are disconnected until it is back: ${message}${times(count)}`,
              ),
            ),
          reachedAgain: () =>
            lines.say("reached", "", (count) => say(`${target} is reachable again${times(count)}`)),
          tooMany: (limit) =>
            lines.say("too-many", "", (count) =>
              say(`a node was refused: ${limit} are already connected${times(count)}`),
            ),
        },
      });
      say(`nodes at ${formatAddress(running.address)} are passed on to ${target}`);
      service.ready(`passing nodes on to ${target}`);
      await stopped;
      service.stopping();
      await running.stop(drainMs);
      await service.stop();
      return 0;
    },
    [CertificateError],
  );
}

async function saveMemory(): Promise<void> {
  const [{ compilePlainly }, { boundYoungObjects }, { readAtMost }] = await Promise.all([
    import("../daemon/plain-compilation.js"),
    import("../daemon/young-objects.js"),
    import("../transport/links/shared-reads.js"),
  ]);
  compilePlainly();
  boundYoungObjects(youngBytes);
  readAtMost(readBytes);
}

/** What reads the files that are named, or a usage error where they are of no use. */
async function credentialsBy(
  { tokenFile, ca, cert, key, serverName }: RelayFlags,
  address: LinkAddress,
  UsageError: new (message: string) => Error,
) {
  const { resolve } = await import("node:path");
  const { isSecure, isWebSocket } = await import("../transport/address.js");
  const { readLinkCredentials } = await import("../config/link-credentials.js");
  const hasTls = isSecure(address);
  if (tokenFile !== undefined && !isWebSocket(address))
    throw new UsageError("--token-file is for ws:// and wss:// only");
  if (!hasTls && [ca, cert, key, serverName].some((flag) => flag !== undefined))
    throw new UsageError("--ca, --cert, --key and --server-name are for tls:// and wss:// only");
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError("--cert needs --key, and --key --cert");
  const file = (name: string | undefined, field: string) =>
    name === undefined ? {} : { [field]: resolve(name) };
  const link = {
    ...file(tokenFile, "tokenFile"),
    tls: {
      ...file(ca, "caFile"),
      ...file(cert, "certificateFile"),
      ...file(key, "certificateKeyFile"),
      ...(serverName !== undefined && { serverName }),
    },
  };
  return () => readLinkCredentials(link, []);
}
