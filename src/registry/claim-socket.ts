import { chmod } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { failedWith } from "./file-system.js";

/** Longest path of a unix socket in bytes; longer ones are cut off silently by some systems. */
const maxPathBytes = 107;

/**
 * Listens to show that we are alive: a process that can connect knows it, and is disconnected at once. Undefined if the
 * file system does not support sockets. Keeps no process alive.
 */
export async function listenAsSignOfLife(path: string): Promise<Server | undefined> {
  if (Buffer.byteLength(path) > maxPathBytes) return undefined;
  const server = createServer((connection) => connection.destroy());
  server.unref();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ path }, () => resolve(true));
  });
  if (!isListening) return undefined;
  server.on("error", () => {});
  // The umask may allow more.
  await chmod(path, 0o600).catch(() => {});
  return server;
}

/** Whether a process listens there; undefined if that cannot be determined. */
export async function answers(path: string): Promise<boolean | undefined> {
  if (Buffer.byteLength(path) > maxPathBytes) return undefined;
  return new Promise((resolve) => {
    const connection = connect({ path });
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", (error) => {
      // It is alive, but its backlog is full.
      if (failedWith(error, "EAGAIN")) resolve(true);
      else resolve(failedWith(error, "ECONNREFUSED", "ENOENT") ? false : undefined);
    });
  });
}
