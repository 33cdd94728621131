import { constants, type Stats } from "node:fs";
import { join } from "node:path";
import { type FileSystem, refusal } from "./file-system.js";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * A directory that was opened once. Names below it are resolved in it, wherever its own path leads meanwhile: a user who
 * may write above it can put a link in its place, but cannot lead us elsewhere.
 */
export interface OpenDirectory {
  readonly fd: number;
  /** Its path as people know it. */
  readonly path: string;
  /** Its path for the kernel: through the open directory if this system allows that. */
  readonly self: string;
  /** The path of an entry for the kernel. */
  at(name: string): string;
}

/** Where Linux shows the open files of this process; a path through one of them starts there, not at the root. */
const openFiles = "/proc/self/fd";

/** Opens a directory, never a link to one. @throws ENOTDIR or ELOOP for anything else, as the system does */
export async function openDirectory(
  fileSystem: Pick<FileSystem, "open">,
  path: string,
  canHold: boolean,
): Promise<OpenDirectory> {
  const fd = await fileSystem.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const self = canHold ? `${openFiles}/${fd}` : path;
  return { fd, path, self, at: (name) => join(self, name) };
}

/**
 * Whether names can be followed through open directories here, as on Linux with `/proc`.
 *
 * @param lstat the kernel's, to be replaced by tests only
 */
export async function canHoldDirectories(
  directory: OpenDirectory,
  lstat: (path: string) => Promise<Pick<Stats, "ino"> | { readonly ino: bigint }>,
): Promise<boolean> {
  try {
    const [held, named] = [await lstat(`${openFiles}/${directory.fd}/.`), await lstat(directory.path)];
    return held.ino === named.ino;
  } catch {
    return false;
  }
}

/** An error from a path through an open directory, rewritten with the path that people know. */
export function withKnownPath(error: unknown, { fd, path }: OpenDirectory): unknown {
  if (!(error instanceof Error)) return error;
  const found = error as NodeJS.ErrnoException & { dest?: string };
  const known = (text: string) => text.replace(through, () => path);
  const through = new RegExp(`${openFiles}/${fd}(?=[/'])`, "g");
  if (found.path !== undefined) found.path = known(`${found.path}'`).slice(0, -1);
  if (found.dest !== undefined) found.dest = known(`${found.dest}'`).slice(0, -1);
  found.message = known(found.message);
  return found;
}

/** Something else is in the directory's place. */
export function refuseAllButDirectory(
  path: string,
  status: { isSymbolicLink(): boolean; isDirectory(): boolean },
): void {
  if (status.isSymbolicLink()) throw refusal("ELOOP", "lstat", path, "symbolic links are not followed");
  if (!status.isDirectory()) throw refusal("ENOTDIR", "lstat", path, "not a directory");
}
