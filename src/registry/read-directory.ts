import fs, { type Dirent } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const opendir = promisify(fs.opendir);
const readdir = promisify(fs.readdir);
const lstat = promisify(fs.lstat);
const stat = promisify(fs.stat);

/** A name in a directory, and what has it. */
export type DirectoryEntry = Pick<Dirent, "name" | "isFile" | "isDirectory" | "isSymbolicLink">;

/** Which entries are wanted: the others take no memory. Called in the order in which the file system lists them. */
export type IsWanted = (entry: DirectoryEntry) => boolean;

/** A directory of at most this size has some hundred entries, and is read at once: that takes a third of the time. */
const smallBytes = 4_096;
/** Entries of a larger one that are read between two turns of the event loop, some milliseconds of work. */
const entriesAtOnce = 500;

/** What is in a directory, of which anybody may have made a hundred thousand entries. */
export async function readDirectory(
  path: string,
  isWanted: IsWanted = () => true,
): Promise<DirectoryEntry[]> {
  const { size } = await stat(path);
  if (size <= smallBytes) return (await readdir(path, { withFileTypes: true })).filter(isWanted);
  const wanted: DirectoryEntry[] = [];
  for await (const found of await opendir(path, { bufferSize: entriesAtOnce })) {
    const entry = isOfKnownKind(found) ? found : await asked(path, found.name);
    if (entry !== undefined && isWanted(entry)) wanted.push(entry);
  }
  return wanted;
}

/** Some file systems do not say with a name what has it. */
function isOfKnownKind(entry: Dirent): boolean {
  return (
    entry.isFile() ||
    entry.isDirectory() ||
    entry.isSymbolicLink() ||
    entry.isFIFO() ||
    entry.isSocket() ||
    entry.isCharacterDevice() ||
    entry.isBlockDevice()
  );
}

async function asked(directory: string, name: string): Promise<DirectoryEntry | undefined> {
  try {
    return Object.assign(await lstat(join(directory, name)), { name });
  } catch {
    // It is gone.
    return undefined;
  }
}
