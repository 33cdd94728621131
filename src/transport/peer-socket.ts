import type { Socket } from "node:net";

/** Idle TCP connections are probed after this long, then each second; dead ones show up ten seconds later. */
const keepAliveAfterMs = 20_000;

/**
 * Makes a socket outlive a peer that left: what it had sent before is still read to its end. Node destroys a socket
 * when a write fails, and what the kernel holds for us with it; here a failed write only ends our side, and the end
 * of the connection comes from reading.
 */
export function preparePeerSocket(socket: Socket): void {
  // An error without a listener ends the process; that the connection is gone shows in its close as well.
  socket.on("error", () => {});
  socket.setKeepAlive(true, keepAliveAfterMs);
  socket.setNoDelay(true);
  type Done = (error?: Error | null) => void;
  const tolerant =
    (callback: Done): Done =>
    (error) => {
      callback();
      if (error && !socket.writableEnded) socket.end();
    };
  const write = socket._write.bind(socket);
  socket._write = (chunk, encoding, callback) => write(chunk, encoding, tolerant(callback));
  const writeMany = socket._writev?.bind(socket);
  if (writeMany !== undefined) socket._writev = (chunks, callback) => writeMany(chunks, tolerant(callback));
}
