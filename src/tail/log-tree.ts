import { constants, type Dirent } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { compressedEnding, plainName } from "../log-files/compression.js";
import { secondInName } from "../log-files/log-file-names.js";
import type { LineForm } from "./traced-line.js";

/** A log file, as listed in its directory. */
export interface LogFile {
  readonly path: string;
  /** Its name without the ending of a compressed file; sorting by it gives the order in which files were written. */
  readonly name: string;
  /** The second since 1970 in its name. */
  readonly second: number;
  readonly isCompressed: boolean;
}

/** The directory with the log files of one node. */
export interface NodeDirectory {
  readonly node: string;
  readonly path: string;
  readonly form: LineForm;
}

const extensions: Readonly<Record<LineForm, string>> = { machine: "json", console: "log" };

/**
 * The nodes below a log root, or the one node whose directory is given. If a node has both kinds of files, the machine-readable
 * ones are used, because they contain more. Hidden directories, and those without log files, are left out.
 * @throws what the file system throws
 */
export async function findNodes(root: string): Promise<NodeDirectory[]> {
  const entries = await readdir(root, { withFileTypes: true });
  const own = formOf(plainFilesAmong(entries));
  if (own !== undefined) return [{ node: basename(resolve(root)), path: root, form: own }];
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  const found = await Promise.all(
    names.map(async ({ name: node }) => {
      const path = join(root, node);
      const form = formOf(await namesIn(path));
      return form === undefined ? [] : [{ node, path, form }];
    }),
  );
  return found.flat().sort((one, other) => (one.node < other.node ? -1 : 1));
}

/** A node's log files in the order written. A file that is being compressed is listed once, as the one that is not compressed. */
export async function logFilesOf({ path, form }: NodeDirectory): Promise<LogFile[]> {
  const byName = new Map<string, LogFile>();
  // Shorter names come first: a plain file before its compressed copy.
  for (const entry of (await namesIn(path)).sort()) {
    const name = plainName(entry);
    const second = secondInName(name, extensions[form]);
    if (second === undefined || byName.has(name)) continue;
    const isCompressed = compressedEnding(entry) !== undefined;
    byName.set(name, { path: join(path, entry), name, second, isCompressed });
  }
  return [...byName.values()];
}

function plainFilesAmong(entries: readonly Dirent[]): string[] {
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

function formOf(names: readonly string[]): LineForm | undefined {
  const has = (form: LineForm) =>
    names.some((name) => secondInName(plainName(name), extensions[form]) !== undefined);
  if (has("machine")) return "machine";
  return has("console") ? "console" : undefined;
}

/** Names of plain files only: reading a pipe might never end, and a link may lead anywhere. Empty if the directory is gone. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return plainFilesAmong(await readdir(directory, { withFileTypes: true }));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Whether an error means that a file or directory is gone: retention and operators may delete them while we read. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR", "ELOOP"].includes(`${error.code}`)
  );
}

/**
 * Opens a plain file for reading. One that was replaced by a pipe, a link or a directory since it was listed counts as missing:
 * opening a pipe could wait for ever.
 * @throws what the file system throws
 */
export async function openLog(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw Object.assign(new Error(`${path} is not a file`), { code: "ENOENT" });
}
