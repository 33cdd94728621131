import type { Dirent } from "node:fs";
import { basename, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { newestAmong, secondInName } from "../log-files/log-file-names.js";
import { failedWith, ifThere } from "./file-system.js";
import type { LogRoot } from "./log-root.js";
import type { OpenDirectory } from "./open-directory.js";
import { claimsDirectory } from "./own-claim-file.js";

export interface RetentionOptions {
  readonly root: LogRoot;
  readonly nowMs: number;
  readonly maxAgeMs: number;
  /** Files of a log kept in addition to its newest one, however old. */
  readonly keepFiles: number;
  /** Whether a log is written to this file, open or not. */
  readonly isCurrent: (path: string, directory: string, extension: string) => boolean;
  /** Whether another tracer writes there: it deletes its own old files. */
  readonly isForeign: (directory: string) => boolean;
  readonly onExpired: (path: string) => void;
  readonly signal: AbortSignal;
}

/** Files whose names are ahead of the clock: a clock was wrong when they were started, or ours is now. */
export interface FilesFromFuture {
  readonly count: number;
  /** Path of the latest one. */
  readonly latest: string;
}

const extensions = ["json", "log"];
/** Names that are ahead by less do not mean a wrong clock: it may have been adjusted slightly. */
const toleranceMs = 60_000;
/** Names that are read between two pauses, some milliseconds of work: a directory may have a hundred thousand. */
const namesAtOnce = 2_000;

/** A log file, and the second since 1970 in its name. */
interface DatedFile {
  readonly name: string;
  readonly second: number;
}

/**
 * Deletes what is too old below a root, whether its node is connected or not. A failure with one directory or file
 * does not stop the others. Resolves with the files from the future.
 * @throws the first failure, at the end
 */
export async function expireFiles(options: RetentionOptions): Promise<FilesFromFuture | undefined> {
  const { root, isForeign, nowMs, signal } = options;
  const failures: unknown[] = [];
  let count = 0;
  let latest: string | undefined;
  for (const directory of await directoriesOf(root, failures)) {
    if (signal.aborted) return undefined;
    const names = (await read(root, directory, failures)).flatMap((one) => (one.isFile() ? one.name : []));
    const logs: (readonly [extension: string, files: readonly DatedFile[]])[] = [];
    for (const extension of extensions) logs.push([extension, await datedFiles(names, extension)]);
    for (const [, files] of logs) {
      for (const { name, second } of files) {
        if (second * 1_000 <= nowMs + toleranceMs) continue;
        count += 1;
        if (latest === undefined || name > basename(latest)) latest = join(root.path, directory, name);
      }
    }
    if (isForeign(directory)) continue;
    try {
      await expireIn(directory, logs, options, failures);
    } catch (error) {
      // It was moved away after the directory was read, or something else has its name.
      if (!failedWith(error, "ENOENT", "ENOTDIR", "ELOOP")) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return latest === undefined ? undefined : { count, latest };
}

/** The directories that may be a node's, looked at some at a time: read as all others here, and links are not followed. */
async function directoriesOf(root: LogRoot, failures: unknown[]): Promise<readonly string[]> {
  // Here, since a start must not wait for it.
  const { default: fastGlob } = await import("fast-glob");
  const entries = await read(root, ".", failures);
  const directories: string[] = [];
  for (let from = 0; from < entries.length; from += namesAtOnce) {
    const some = entries.slice(from, from + namesAtOnce);
    const found = await fastGlob("*", {
      cwd: root.path,
      dot: true,
      ignore: [claimsDirectory],
      onlyDirectories: true,
      followSymbolicLinks: false,
      fs: {
        readdir: (
          _path: string,
          _options: unknown,
          done?: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
        ) => done?.(null, some),
      },
    });
    directories.push(...found);
    if (from + namesAtOnce < entries.length) await nextTurn();
  }
  return directories;
}

/** What is in a directory below the root, or in the root itself; nothing where that fails. */
async function read(root: LogRoot, directory: string, failures: unknown[]): Promise<readonly Dirent[]> {
  try {
    return (await ifThere(root.visit(directory, ({ self }) => root.fileSystem.readdir(self)))) ?? [];
  } catch (error) {
    failures.push(error);
    return [];
  }
}

/** The log files among these names, the oldest first. */
async function datedFiles(names: readonly string[], extension: string): Promise<readonly DatedFile[]> {
  const files: DatedFile[] = [];
  for (const [index, name] of names.entries()) {
    const second = secondInName(name, extension);
    if (second !== undefined) files.push({ name, second });
    if ((index + 1) % namesAtOnce === 0) await nextTurn();
  }
  return files.sort((a, b) => a.second - b.second);
}

async function expireIn(
  directory: string,
  found: readonly (readonly [extension: string, files: readonly DatedFile[]])[],
  options: RetentionOptions,
  failures: unknown[],
): Promise<void> {
  const { root, isCurrent, onExpired, signal } = options;
  const logs = found.map(([extension, files]) => ({
    extension,
    files,
    ...candidates(files, extension, options),
  }));
  if (logs.every(({ old, unsure }) => old.length + unsure.length === 0)) return;
  await root.visit(directory, async (open) => {
    for (const { extension, old, unsure, files } of logs) {
      const longUnwritten = await oldByLastWrite(open, files, unsure, options);
      for (const name of [...old, ...longUnwritten]) {
        const path = join(root.path, directory, name);
        if (isCurrent(path, directory, extension)) continue;
        if (signal.aborted) return;
        try {
          await root.fileSystem.unlink(open.at(name));
          onExpired(path);
        } catch (error) {
          // Another tracer, or an operator, has deleted it.
          if (!failedWith(error, "ENOENT")) failures.push(error);
        }
      }
    }
  });
}

/**
 * The names of one log that may be deleted. The next file's name shows when a file ended, and so how old it is (`old`),
 * unless that name is from the future (`unsure`).
 */
function candidates(
  files: readonly DatedFile[],
  extension: string,
  { keepFiles, maxAgeMs, nowMs }: RetentionOptions,
): { old: string[]; unsure: string[] } {
  const newest =
    newestAmong(
      files.map(({ name }) => name),
      extension,
    ) ?? files.at(-1)?.name;
  const others = files.length - 1 - keepFiles;
  const old: string[] = [];
  const unsure: string[] = [];
  let passed = 0;
  for (const [index, { name }] of files.entries()) {
    if (name === newest) continue;
    if (passed >= others) break;
    passed += 1;
    const endedMs = (files[index + 1]?.second ?? Number.POSITIVE_INFINITY) * 1_000;
    if (endedMs > nowMs) unsure.push(name);
    else if (nowMs - endedMs > maxAgeMs) old.push(name);
  }
  return { old, unsure };
}

/**
 * Those that were last written to too long ago. A file written to while the clock was wrong ended before the next one
 * did.
 */
async function oldByLastWrite(
  open: OpenDirectory,
  files: readonly DatedFile[],
  names: readonly string[],
  { root, maxAgeMs, nowMs }: RetentionOptions,
): Promise<string[]> {
  const old: string[] = [];
  const unsure = new Set(names);
  let endedMs = Number.POSITIVE_INFINITY;
  const from = files.findIndex(({ name }) => unsure.has(name));
  for (const { name } of from === -1 ? [] : files.slice(from).reverse()) {
    const status = await ifThere(root.fileSystem.lstat(open.at(name)));
    if (status === undefined) continue;
    const writtenMs = Number(status.mtimeMs);
    if (writtenMs <= nowMs || writtenMs < endedMs) endedMs = writtenMs;
    if (unsure.has(name) && nowMs - endedMs > maxAgeMs) old.push(name);
  }
  return old.reverse();
}
