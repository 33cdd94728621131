import { once } from "node:events";
import { createServer, type Server, type Socket, type ListenOptions as SocketPlace } from "node:net";
import type { LinkAddress } from "../address.js";
import { preparePeerSocket } from "../peer-socket.js";
import { TransportError } from "../transport-faults.js";
import type { LinkStream, ListenOptions } from "./link.js";
import { shareReads } from "./shared-reads.js";

/** Connections that may wait to be accepted: after a restart all nodes of a cluster reconnect at once. */
const backlog = 4_096;

/** A server that passes on each socket, up to the limit. It does not listen yet. */
export function socketServer(
  { maxConnections, room, onTooMany, unref }: ListenOptions,
  onSocket: (socket: Socket) => void,
): Server {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    preparePeerSocket(socket);
    if (unref) socket.unref();
    if (room?.enter() === false) {
      socket.destroy();
      onTooMany(room.limit);
      return;
    }
    socket.once("close", () => room?.leave());
    onSocket(socket);
  });
  if (unref) server.unref();
  server.maxConnections = maxConnections;
  server.on("drop", () => onTooMany(maxConnections));
  return server;
}

/**
 * Starts to listen; resolves when peers can connect. Files are created in the same turn of the event loop. @throws
 * TransportError
 */
export async function listenAt(server: Server, address: LinkAddress, place: SocketPlace): Promise<void> {
  try {
    server.listen({ ...place, backlog });
    await once(server, "listening");
  } catch (cause) {
    throw cannotListen(address, cause);
  }
  // A failed accept is one connection less. (Without free handles libuv refuses those that wait.)
  server.on("error", () => {});
}

export function cannotListen(address: LinkAddress, cause: unknown): TransportError {
  if (cause instanceof TransportError) return cause;
  const code = (cause as NodeJS.ErrnoException).code === "EADDRINUSE" ? "address-in-use" : "cannot-listen";
  return new TransportError({ code, address }, { cause });
}

/** A socket for IPv4 and IPv6 shows IPv4 addresses as `::ffff:10.0.0.7`. */
export function hostOf(socket: Socket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}

/** A socket, plain or TLS, as the stream of a link that needs nothing else. */
export function plainStream(socket: Socket, chunks: LinkStream["chunks"] = "given"): LinkStream {
  if (chunks === "lent") shareReads(socket);
  return { stream: socket, chunks };
}
