import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HelloGate } from "../tls/hello-gate.js";
import { loopSlices } from "./loop-slices.js";

/** How long a client may take to begin with TLS, in milliseconds. */
const helloTimeoutMs = 10_000;

/**
 * Makes an HTTP/1 or HTTP/2 server, with or without TLS, read from `gate(socket)` instead of its clients' sockets: it accepts any
 * stream as a connection. `enter` gets each socket first, before any TLS handshake.
 */
export function gateConnections(
  server: Server,
  enter: (socket: Socket) => void,
  gate: (socket: Socket, serve: (connection: Duplex) => void) => void,
): void {
  const isSecure = "setSecureContext" in server;
  const event = isSecure ? "secureConnection" : "connection";
  const [serve] = server.listeners(event) as ((connection: Duplex) => void)[];
  server.removeAllListeners(event);
  if (isSecure) enterByHello(server, enter, event);
  else server.on("connection", enter);
  server.on(event, (socket: Socket) => {
    if (!socket.destroyed) gate(socket, (connection) => serve!.call(server, connection));
  });
}

/** TLS begins when a client has said something, one client at a time. */
function enterByHello(server: Server, enter: (socket: Socket) => void, finished: string): void {
  const [shakeHands] = server.listeners("connection") as ((socket: Socket) => void)[];
  server.removeAllListeners("connection");
  const gate = new HelloGate({
    inTurn: (start) => void loopSlices.turn().then(start),
    timeoutMs: helloTimeoutMs,
  });
  server.on(finished, (socket: Socket) => gate.finished(socket));
  server.on("connection", (socket) => {
    enter(socket);
    if (!socket.destroyed) gate.enter(socket, () => shakeHands!.call(server, socket));
  });
}
