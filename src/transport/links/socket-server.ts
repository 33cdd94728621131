import { once } from "node:events";
import { createServer, type Server, type Socket, type ListenOptions as SocketPlace } from "node:net";
import type { LinkAddress } from "../address.js";
import { preparePeerSocket } from "../peer-socket.js";
import { TransportError } from "../transport-faults.js";
import type { LinkStream, ListenOptions } from "./link.js";
import { shareReads } from "./shared-reads.js";

/** Connections that may wait to be accepted: a cluster's nodes all come back at once after a restart. */
const backlog = 4_096;

/** A server that hands on each socket, up to the limit. It does not listen yet. */
export function socketServer(
  { maxConnections, room, onTurnedAway, unref }: ListenOptions,
  onSocket: (socket: Socket) => void,
): Server {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    preparePeerSocket(socket);
    if (unref) socket.unref();
    if (room?.enter() === false) {
      socket.destroy();
      onTurnedAway(room.limit);
      return;
    }
    socket.once("close", () => room?.leave());
    onSocket(socket);
  });
  if (unref) server.unref();
  server.maxConnections = maxConnections;
  server.on("drop", () => onTurnedAway(maxConnections));
  return server;
}

/**
 * Starts to listen; resolves when the system lets peers in. Files are created in the turn of the call. @throws
 * TransportError
 */
export async function listenAt(server: Server, address: LinkAddress, place: SocketPlace): Promise<void> {
  try {
    server.listen({ ...place, backlog });
    await once(server, "listening");
  } catch (cause) {
    throw cannotListen(address, cause);
  }
  // An accept that failed is one connection less. (For lack of handles libuv turns those away that wait.)
  server.on("error", () => {});
}

export function cannotListen(address: LinkAddress, cause: unknown): TransportError {
  if (cause instanceof TransportError) return cause;
  const code = (cause as NodeJS.ErrnoException).code === "EADDRINUSE" ? "address-in-use" : "cannot-listen";
  return new TransportError({ code, address }, { cause });
}

/** IPv4 addresses reach a socket of both kinds as `::ffff:10.0.0.7`. */
export function hostOf(socket: Socket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}

/** A socket, plain or TLS, as the stream of a link that needs nothing else. */
export function plainStream(socket: Socket, chunks: LinkStream["chunks"] = "given"): LinkStream {
  if (chunks === "lent") shareReads(socket);
  return { stream: socket, chunks };
}
