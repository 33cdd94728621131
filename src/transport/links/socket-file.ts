import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { lstatSync, renameSync } from "node:fs";
import { link, lstat, mkdir, rename, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { dirname, join, resolve } from "node:path";
import { maxPathBytes } from "../address.js";
import { TransportError } from "../transport-faults.js";

/**
 * Claims a path among all processes of this network namespace, with an abstract socket that the kernel removes when its
 * process dies: of several that find the same dead socket, one replaces it. Resolves with a function that releases the
 * claim. @throws TransportError with code `address-in-use`
 */
export async function claimPath(path: string): Promise<() => void> {
  const claim = createServer();
  const name = createHash("sha256").update(resolve(path)).digest("hex");
  try {
    claim.listen(`\0muninn-${name}`);
    await once(claim, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw inUse(path);
    // Early releases of Node 20 do not support such sockets; then the check in `clearWay` must be enough.
  }
  claim.unref();
  return () => claim.close();
}

/**
 * Creates the directory of the socket; resolves with whether it was missing. Those above it must exist, because a typing
 * error in a path would create an unwanted tree. @throws TransportError with code `no-directory`
 */
export async function makeDirectoryOf(path: string): Promise<boolean> {
  const directory = dirname(path);
  try {
    await mkdir(directory, { mode: 0o755 });
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "ENOENT") throw cause;
    throw new TransportError({ code: "no-directory", path, missing: dirname(directory) }, { cause });
  }
}

/** Removes the socket of a process that is gone. @throws TransportError */
export async function clearWay(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new TransportError({ code: "not-a-socket", path });
  if (!(await isAnswered(path))) await removeDead(path);
  else throw inUse(path);
}

/**
 * Another process may replace the same dead socket at the same moment, and its live one must not be removed: so the existing
 * file is renamed, checked again under its new name, and renamed back if it is alive.
 */
async function removeDead(path: string): Promise<void> {
  const aside = temporaryNameFor(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const lives = await isAnswered(aside);
  // A link fails if a third socket has appeared meanwhile; a rename would remove that.
  if (lives) await link(aside, path).catch(() => {});
  await unlink(aside);
  if (lives) throw inUse(path);
}

/** Whether a living process listens at a socket file. */
export async function isAnswered(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    // Only a refusal proves that no process listens; a full backlog or a lack of permission do not.
    return (error as NodeJS.ErrnoException).code !== "ECONNREFUSED";
  } finally {
    socket.destroy();
  }
}

/** Which file is at `path` now; undefined if there is none. */
export function identityOf(path: string): string | undefined {
  const file = lstatSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}:${file.birthtimeMs}`;
}

/** Closing removes whatever has the socket's name; anything that is not `own` is renamed meanwhile. */
export function closeKeepingOthers(server: Server, path: string, own: string | undefined): void {
  const there = identityOf(path);
  const aside = there === undefined || there === own ? undefined : stepAside(path);
  server.close();
  if (aside !== undefined) renameSync(aside, path);
}

/** The new path; undefined if the directory is not ours to change, and then nothing in it is removed either. */
function stepAside(path: string): string | undefined {
  const aside = temporaryNameFor(path);
  try {
    renameSync(path, aside);
    return aside;
  } catch {
    return undefined;
  }
}

/** A unique name in the same directory, short enough for a socket. */
function temporaryNameFor(path: string): string {
  const directory = dirname(path);
  const room = maxPathBytes - Buffer.byteLength(directory) - 1;
  return join(directory, `.${randomBytes(6).toString("hex")}`.slice(0, Math.max(2, room)));
}

function inUse(path: string): TransportError {
  return new TransportError({ code: "address-in-use", address: { kind: "unix", path } });
}
