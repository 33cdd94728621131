import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { lstatSync, renameSync } from "node:fs";
import { link, lstat, mkdir, rename, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { maxPathBytes } from "./address.js";
import { TransportError } from "./transport-faults.js";

/** Makes the directory, and removes the socket of a process that is gone. @throws TransportError */
export async function clearWay(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new TransportError({ code: "not-a-socket", path });
  if (!(await isAnswered(path))) await removeDead(path);
  else throw inUse(path);
}

/**
 * Another process may replace the same dead socket at the same moment, and its living one must not be removed: so what
 * is there steps aside, is tried again where nobody else takes it for the tracer's, and comes back if it lives.
 */
async function removeDead(path: string): Promise<void> {
  const aside = besides(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const lives = await isAnswered(aside);
  // A link fails where a third one has come meanwhile; a rename would remove that.
  if (lives) await link(aside, path).catch(() => {});
  await unlink(aside);
  if (lives) throw inUse(path);
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    // Only a refusal proves that nobody is there; a full backlog or a lack of permission do not.
    return (error as NodeJS.ErrnoException).code !== "ECONNREFUSED";
  } finally {
    socket.destroy();
  }
}

/** Which file is at `path` now; undefined where there is none. */
export function identityOf(path: string): string | undefined {
  const file = lstatSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}:${file.birthtimeMs}`;
}

/** Closing removes whatever has the socket's name; what is not `own` steps aside meanwhile. */
export function closeKeepingOthers(server: Server, path: string, own: string | undefined): void {
  const there = identityOf(path);
  const aside = there === undefined || there === own ? undefined : stepAside(path);
  server.close();
  if (aside !== undefined) renameSync(aside, path);
}

/** The new path; undefined where the directory is not ours to change, and then nothing in it is removed either. */
function stepAside(path: string): string | undefined {
  const aside = besides(path);
  try {
    renameSync(path, aside);
    return aside;
  } catch {
    return undefined;
  }
}

/** A name of its own in the same directory, short enough for a socket. */
function besides(path: string): string {
  const directory = dirname(path);
  const room = maxPathBytes - Buffer.byteLength(directory) - 1;
  return join(directory, `.${randomBytes(6).toString("hex")}`.slice(0, Math.max(2, room)));
}

function inUse(path: string): TransportError {
  return new TransportError({ code: "address-in-use", address: { kind: "unix", path } });
}
