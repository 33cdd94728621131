import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Address } from "./address.js";
import { preparePeerSocket } from "./peer-socket.js";

export interface ConnectToOptions {
  /** Ends the attempt, not the connection that came of it. */
  readonly signal: AbortSignal;
  /** A target that neither accepts nor refuses is given up after this long. */
  readonly timeoutMs: number;
}

/** Connects once, half-open allowed. Rejects with what the system says, in words. */
export async function connectTo(address: Address, options: ConnectToOptions): Promise<Socket> {
  const { signal, timeoutMs } = options;
  const where = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  const socket = connect({ ...where, allowHalfOpen: true });
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
