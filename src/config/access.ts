import { formatMode } from "../fields/quantities.js";
import { formatAddress, type LinkAddress } from "../transport/address.js";
import { type Config, valuesOf } from "./config.js";
import { httpListeners } from "./listeners.js";
import { isLoopback } from "./loopback.js";

/** Most permissions that the umask may leave if no mode is configured: it never decides that others may write. */
const most = { socket: 0o770, file: 0o644, directory: 0o755 } as const;

/** Who may connect to what this tracer opens, and who may read what it writes: a sentence for each. */
export function whoHasAccess(config: Config, umask: number): string[] {
  return [
    ...nodeAccess(config, umask),
    ...linkAccess(config, umask),
    ...endpointAccess(config),
    ...fileAccess(config, umask),
  ];
}

function* nodeAccess({ network, muninn }: Config, umask: number): Generator<string> {
  if (network.mode === "ConnectTo") return;
  yield `nodes: ${whoMayConnect(network.address, muninn, umask)}`;
}

function* linkAccess({ muninn }: Config, umask: number): Generator<string> {
  for (const { listen, tls, access } of muninn.links) {
    if (listen === undefined) continue;
    const shows = [
      ...(tls?.clientCaFile === undefined ? [] : ["a certificate"]),
      ...(Array.isArray(access) && access.some(({ tokenFile }) => tokenFile !== undefined)
        ? ["a token"]
        : []),
    ];
    const shown = shows.length === 0 ? "" : `, and shows ${shows.join(" or ")}`;
    yield `muninn.links: ${whoMayConnect(listen, muninn, umask)}${shown}`;
  }
}

function whoMayConnect(address: LinkAddress, { socketMode }: Config["muninn"], umask: number): string {
  const where = formatAddress(address);
  if (address.kind !== "unix") return `${whoReaches(address.host, where)} may connect`;
  const mode = socketMode ?? most.socket & ~umask;
  return `${usersWith(mode, 0o2)} of ${where} may connect (${modeAndWhy(mode, socketMode, umask)}; muninn.socketMode sets it)`;
}

function* endpointAccess(config: Config): Generator<string> {
  const auths: Readonly<Record<string, unknown>> = config.muninn.auth;
  for (const { field, auth, host, port, takes } of httpListeners(valuesOf(config))) {
    const who = whoReaches(host, formatAddress({ kind: "tcp", host, port }));
    const shows = auths[auth] === undefined ? "" : `, and shows what muninn.auth.${auth} asks for`;
    yield `${field}: ${who} may ${takes === true ? "send" : "read"}${shows}`;
  }
}

function* fileAccess({ logging, muninn }: Config, umask: number): Generator<string> {
  if (logging.every(({ mode }) => mode !== "FileMode")) return;
  const { mode: configured, dirMode } = muninn.files;
  const mode = configured ?? most.file & ~umask;
  const directories = dirMode ?? most.directory & ~umask;
  // A file can be reached by everyone who may enter its directory.
  const readable = mode & ((directories & 0o111) << 2);
  yield `log files: ${usersWith(readable, 0o4)} may read (${modeAndWhy(mode, configured, umask)}, directories ${formatMode(directories)}; muninn.files sets them)`;
}

function modeAndWhy(mode: number, configured: number | undefined, umask: number): string {
  return configured === undefined
    ? `mode ${formatMode(mode)} by the umask ${formatMode(umask)}`
    : `mode ${formatMode(mode)}`;
}

function usersWith(mode: number, bit: number): string {
  const users = [
    ["the owner", mode & (bit << 6)],
    ["the group", mode & (bit << 3)],
    ["others", mode & bit],
  ] as const;
  const allowed = users.filter(([, allowed]) => allowed !== 0).map(([who]) => who);
  return allowed.length < 2
    ? (allowed[0] ?? "nobody")
    : `${allowed.slice(0, -1).join(", ")} and ${allowed.at(-1)}`;
}

function whoReaches(host: string, where: string): string {
  return isLoopback(host) ? `anyone on this machine (${where})` : `anyone who reaches ${where}`;
}
