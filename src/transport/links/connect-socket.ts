import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { preparePeerSocket } from "../peer-socket.js";
import type { ConnectOptions } from "./link.js";

/** Opens a socket, half-open allowed. Rejects with what the system says, in words. */
export async function connectSocket(where: NetConnectOpts, options: ConnectOptions): Promise<Socket> {
  const { signal, timeoutMs } = options;
  const socket = connect({ ...where, allowHalfOpen: true });
  if (options.unref) socket.unref();
  const giveUp = () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
  socket.setTimeout(timeoutMs, giveUp);
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    // A name with several addresses fails with one error for each, and no words of its own.
    throw error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  }
  socket.setTimeout(0, giveUp);
  preparePeerSocket(socket);
  return socket;
}
