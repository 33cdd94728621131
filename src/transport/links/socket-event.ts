import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { ConnectOptions } from "./link.js";

/**
 * Resolves at an event that ends a step of connecting. If the socket fails, the deadline passes or the attempt is aborted
 * before, it rejects with the reason, and the socket is destroyed.
 */
export async function eventOf(
  socket: Duplex,
  event: string,
  { signal, timeoutMs, unref }: Pick<ConnectOptions, "signal" | "timeoutMs" | "unref">,
): Promise<void> {
  const giveUp = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  if (unref) giveUp.unref();
  const over = new AbortController();
  const left = once(socket, "close", { signal: over.signal }).then(() => {
    throw new Error("the other side closed the connection");
  });
  try {
    await Promise.race([once(socket, event, { signal }), left]);
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    // A name with several addresses fails with one error for each, and no message of its own.
    throw error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  } finally {
    clearTimeout(giveUp);
    left.catch(() => {});
    over.abort();
  }
}
