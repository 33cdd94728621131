import { open, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { linkName, logFilesAmong } from "../log-files/log-file-names.js";
import type { HandleRegistry } from "../registry/handle-registry.js";
import type { LogEnd } from "./position.js";

/** One of the configuration's logs, for any node. */
export type CollectedLog = Pick<LogEnd, "root" | "extension">;

/** Where a node's log ends now; it must not be written to meanwhile. The registry knows the file of one that it has just written. */
export async function logEnd(
  { root, extension }: CollectedLog,
  directory: string,
  registry: Pick<HandleRegistry, "endOf">,
): Promise<LogEnd> {
  const known = await registry.endOf({ root, directory, extension });
  if (known !== undefined) return { root, extension, ...known };
  const folder = join(root, directory);
  const file = await currentFile(folder, extension);
  if (file === undefined) return { root, extension, bytes: 0 };
  const found = await ifThere(stat(join(folder, file)));
  return found === undefined ? { root, extension, bytes: 0 } : { root, extension, file, bytes: found.size };
}

/** The link names the current file; if something else is in the link's place, the newest name is used. */
async function currentFile(folder: string, extension: string): Promise<string | undefined> {
  const named = await readlink(join(folder, linkName(extension))).catch(() => undefined);
  if (named !== undefined && logFilesAmong([named], extension).length === 1) return named;
  return logFilesAmong((await ifThere(readdir(folder))) ?? [], extension).at(-1);
}

/**
 * Completes lines that a killed process had started to write when the log ended at `end`. Returns how many of their bytes
 * were there: all, none, or, after a kill in between, some.
 */
export async function finishLines(
  end: LogEnd,
  directory: string,
  lines: Uint8Array,
  registry: HandleRegistry,
): Promise<number> {
  const folder = join(end.root, directory);
  const names = logFilesAmong((await ifThere(readdir(folder))) ?? [], end.extension);
  const files = names.filter((name) => end.file === undefined || name >= end.file);
  const pieces: Buffer[] = [];
  for (const name of files) {
    pieces.push(await bytesAfter(join(folder, name), name === end.file ? end.bytes : 0, lines.length + 1));
  }
  const there = Buffer.concat(pieces);
  const isBeginning = there.length <= lines.length && there.equals(lines.subarray(0, there.length));
  // Another process wrote there, so our lines were not started.
  const done = isBeginning ? there.length : 0;
  let rest = lines.subarray(done);
  if (done > 0 && rest.length > 0 && lines[done - 1] !== lineFeed) {
    // The torn line is continued where it is, before the registry opens the file and ends it.
    const lineEnd = rest.indexOf(lineFeed) + 1;
    await appendTo(join(folder, files.at(-1)!), rest.subarray(0, lineEnd));
    rest = rest.subarray(lineEnd);
  }
  if (rest.length > 0) await registry.append({ root: end.root, directory, extension: end.extension }, rest);
  return done;
}

const lineFeed = 0x0a;

async function bytesAfter(path: string, position: number, most: number): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const size = Math.min(most, Math.max(0, (await handle.stat()).size - position));
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function appendTo(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "a");
  try {
    await handle.appendFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function ifThere<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
