import { connect, type NetConnectOpts, type Socket } from "node:net";
import { preparePeerSocket } from "../peer-socket.js";
import type { ConnectOptions } from "./link.js";
import { eventOf } from "./socket-event.js";

/** Opens a socket, half-open allowed. Rejects with the system's error, in words. */
export async function connectSocket(where: NetConnectOpts, options: ConnectOptions): Promise<Socket> {
  const socket = connect({ ...where, allowHalfOpen: true });
  if (options.unref) socket.unref();
  await eventOf(socket, "connect", options);
  preparePeerSocket(socket);
  return socket;
}
