import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Has a server of HTTP/1 or HTTP/2, with TLS or without, read from `gate(socket)` instead of the sockets of its clients. (Any stream may be handed to it as a connection.)
 * `enter` gets a socket before that, also where TLS is still to come.
 */
export function gateConnections(
  server: Server,
  enter: (socket: Socket) => void,
  gate: (socket: Socket, serve: (connection: Duplex) => void) => void,
): void {
  const event = "setSecureContext" in server ? "secureConnection" : "connection";
  const [serve] = server.listeners(event) as ((connection: Duplex) => void)[];
  server.removeAllListeners(event);
  server.on("connection", enter);
  server.on(event, (socket: Socket) => {
    if (!socket.destroyed) gate(socket, (connection) => serve!.call(server, connection));
  });
}
