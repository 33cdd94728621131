import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type Address, formatAddress } from "./address.js";
import type { RunConnection } from "./connection.js";
import { ConnectionIds } from "./connection-ids.js";
import { preparePeerSocket } from "./peer-socket.js";
import { claimPath, clearWay, closeKeepingOthers, identityOf } from "./socket-file.js";
import { TransportError } from "./transport-faults.js";

/** Connections that may wait to be accepted: a cluster's nodes all come back at once after a restart. */
const backlog = 4_096;

export interface ListenerOptions {
  readonly address: Address;
  /** Permissions of a socket file; the umask decides where this is absent. */
  readonly socketMode?: number | undefined;
  /** Connections at the same time; more are closed at once. */
  readonly maxConnections: number;
  readonly run: RunConnection;
  /** Told of each connection that was closed because there were too many. */
  readonly onTurnedAway: (limit: number) => void;
}

/** A socket that peers connect to. */
export interface Listener {
  /** Where it listens; the port is a real one where 0 was asked for. */
  readonly address: Address;
  readonly listening: boolean;
  /** Takes nobody else in; those inside stay. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Begins to listen; a missing directory of a socket file is created, and the file that a dead process left is replaced.
 * @throws TransportError
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { address, maxConnections, run, onTurnedAway } = options;
  const ids = new ConnectionIds();
  const server = createServer({ allowHalfOpen: true }, (socket) => void welcome(socket));
  server.maxConnections = maxConnections;
  server.on("drop", () => onTurnedAway(maxConnections));

  async function welcome(socket: Socket): Promise<void> {
    preparePeerSocket(socket);
    const host = address.kind === "unix" ? undefined : plainHost(socket.remoteAddress);
    const id = ids.take(host ?? "unix");
    const peer =
      host === undefined
        ? formatAddress(address)
        : formatAddress({ kind: "tcp", host, port: socket.remotePort ?? 0 });
    await run({ id, opener: "peer", peer, stream: socket });
    ids.giveBack(id);
  }

  const giveBackClaim = address.kind === "unix" ? await claimPath(address.path) : () => {};
  await listen(server, options).catch((error) => {
    giveBackClaim();
    throw error;
  });
  // An accept that failed is one connection less. (For want of handles libuv turns those away that wait.)
  server.on("error", () => {});
  const file = address.kind === "unix" ? identityOf(address.path) : undefined;
  return {
    address: boundAddress(server, address),
    get listening() {
      return server.listening;
    },
    // Resolves before the connections have ended: those belong to their sessions.
    stop: async () => {
      if (!server.listening) return;
      if (address.kind === "unix") closeKeepingOthers(server, address.path, file);
      else server.close();
      giveBackClaim();
    },
  };
}

async function listen(server: Server, { address, socketMode }: ListenerOptions): Promise<void> {
  try {
    if (address.kind === "unix") {
      await clearWay(address.path);
      listenWithMode(server, address.path, socketMode);
    } else {
      server.listen({ host: address.host, port: address.port, backlog });
    }
    await once(server, "listening");
  } catch (cause) {
    if (cause instanceof TransportError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code === "EADDRINUSE" ? "address-in-use" : "cannot-listen";
    throw new TransportError({ code, address }, { cause });
  }
}

/** The file is made by `listen` itself, in this turn: so nobody connects before it has its permissions. */
function listenWithMode(server: Server, path: string, mode: number | undefined): void {
  if (mode === undefined) {
    server.listen({ path, backlog });
    return;
  }
  const umask = process.umask(0o777 & ~mode);
  try {
    server.listen({ path, backlog });
  } finally {
    process.umask(umask);
  }
}

function boundAddress(server: Server, address: Address): Address {
  const bound = server.address();
  if (address.kind === "unix" || bound === null || typeof bound === "string") return address;
  return { ...address, port: bound.port };
}

/** IPv4 addresses reach a socket of both kinds as `::ffff:10.0.0.7`. */
function plainHost(remoteAddress: string | undefined): string {
  return (remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}
