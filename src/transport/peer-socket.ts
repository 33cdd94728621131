import type { Socket } from "node:net";

/** Idle TCP connections are probed after this long, then each second; dead ones are noticed ten seconds later. */
const keepAliveAfterMs = 20_000;

/**
 * Makes a socket outlive a peer that left: what it had sent before is still read to its end. When a write fails, Node
 * destroys the socket, and with it what the kernel holds for us; here a failed write ends only our side, and the end of the
 * connection comes from reading.
 */
export function preparePeerSocket(socket: Socket): void {
  // An error without a listener would end the process; `close` also reports that the connection is gone.
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
