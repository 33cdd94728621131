import type { Dirent } from "node:fs";
import { basename, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { lastFollowedSecond, logFileName, secondInName } from "../log-files/log-file-names.js";
import { failedWith, ifThere } from "./file-system.js";
import type { LogRoot } from "./log-root.js";
import type { OpenDirectory } from "./open-directory.js";
import { claimsDirectory } from "./own-claim-file.js";
import type { DirectoryEntry, IsWanted } from "./read-directory.js";

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
/** Directories that are looked at between two pauses, some milliseconds of work: a root may have a hundred thousand. */
const namesAtOnce = 2_000;

/** The files of one log, oldest first, as the seconds since 1970 in their names: there may be a hundred thousand. */
interface DatedFiles {
  readonly extension: string;
  readonly seconds: Float64Array;
}

/**
 * Deletes what is too old below a root, whether its node is connected or not. A failure with one directory or file
 * does not stop the others. Resolves with the files from the future.
 * @throws the first failure, at the end
 */
export async function expireFiles(options: RetentionOptions): Promise<FilesFromFuture | undefined> {
  const { root, isForeign, nowMs, signal } = options;
  const failures = new Failures();
  let count = 0;
  let latest: string | undefined;
  for (const directory of await directoriesOf(options, failures)) {
    const logs = await datedFiles(directory, options, failures);
    if (signal.aborted) return undefined;
    for (const { extension, seconds } of logs) {
      const ahead = seconds.length - seconds.findLastIndex((one) => one * 1_000 <= nowMs + toleranceMs) - 1;
      if (ahead === 0) continue;
      count += ahead;
      const name = logFileName(seconds.at(-1)!, extension);
      if (latest === undefined || name > basename(latest)) latest = join(root.path, directory, name);
    }
    if (isForeign(directory)) continue;
    try {
      await expireIn(directory, logs, options, failures);
    } catch (error) {
      // It was moved away after the directory was read, or something else has its name.
      if (!failedWith(error, "ENOENT", "ENOTDIR", "ELOOP")) failures.note(error);
    }
  }
  if (signal.aborted) return undefined;
  failures.throwFirst();
  return latest === undefined ? undefined : { count, latest };
}

/** The first of any number of failures. */
class Failures {
  #first: { readonly error: unknown } | undefined;

  note(error: unknown): void {
    this.#first ??= { error };
  }

  throwFirst(): void {
    if (this.#first !== undefined) throw this.#first.error;
  }
}

/** The directories that may be a node's, looked at some at a time: read as all others here, and links are not followed. */
async function directoriesOf(options: RetentionOptions, failures: Failures): Promise<readonly string[]> {
  const { root } = options;
  // Here, since a start must not wait for it.
  const { default: fastGlob } = await import("fast-glob");
  const entries = await read(".", options, failures, (entry) => entry.isDirectory());
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
        ) => done?.(null, some as Dirent[]),
      },
    });
    directories.push(...found);
    if (from + namesAtOnce < entries.length) await nextTurn();
  }
  return directories;
}

/** What is wanted of a directory below the root, or of the root itself; nothing where that fails, or when it is stopped. */
async function read(
  directory: string,
  { root, signal }: RetentionOptions,
  failures: Failures,
  isWanted: IsWanted,
): Promise<readonly DirectoryEntry[]> {
  const unlessStopped: IsWanted = (entry) => {
    signal.throwIfAborted();
    return isWanted(entry);
  };
  try {
    const reading = root.visit(directory, ({ self }) => root.fileSystem.readdir(self, unlessStopped));
    return (await ifThere(reading)) ?? [];
  } catch (error) {
    failures.note(error);
    return [];
  }
}

/** The files of both logs in a directory. */
async function datedFiles(
  directory: string,
  options: RetentionOptions,
  failures: Failures,
): Promise<readonly DatedFiles[]> {
  const logs = extensions.map((extension) => ({ extension, seconds: [] as number[] }));
  // What is noted here is not needed as an entry.
  await read(directory, options, failures, (entry) => {
    for (const { extension, seconds } of entry.isFile() ? logs : []) {
      const second = secondInName(entry.name, extension);
      if (second !== undefined) seconds.push(second);
    }
    return false;
  });
  return logs.map(({ extension, seconds }) => ({ extension, seconds: Float64Array.from(seconds).sort() }));
}

async function expireIn(
  directory: string,
  found: readonly DatedFiles[],
  options: RetentionOptions,
  failures: Failures,
): Promise<void> {
  const { root, isCurrent, onExpired, signal } = options;
  const logs = found.map((files) => ({ ...files, ...candidates(files, options) }));
  if (logs.every(({ old, unsure }) => old.length + unsure.length === 0)) return;
  await root.visit(directory, async (open) => {
    for (const { extension, seconds, old, unsure } of logs) {
      const longUnwritten = await oldByLastWrite(open, { extension, seconds }, unsure, options);
      for (const second of [...old, ...longUnwritten]) {
        const name = logFileName(second, extension);
        const path = join(root.path, directory, name);
        if (isCurrent(path, directory, extension)) continue;
        if (signal.aborted) return;
        try {
          await root.fileSystem.unlink(open.at(name));
          onExpired(path);
        } catch (error) {
          // Another tracer, or an operator, has deleted it.
          if (!failedWith(error, "ENOENT")) failures.note(error);
        }
      }
    }
  });
}

/**
 * The files of one log that may be deleted. The next file's name shows when a file ended, and so how old it is (`old`),
 * unless that name is from the future (`unsure`).
 */
function candidates(
  { seconds }: DatedFiles,
  { keepFiles, maxAgeMs, nowMs }: RetentionOptions,
): { old: number[]; unsure: number[] } {
  const newest = seconds.findLast((second) => second < lastFollowedSecond) ?? seconds.at(-1);
  const others = seconds.length - 1 - keepFiles;
  const old: number[] = [];
  const unsure: number[] = [];
  let passed = 0;
  for (const [index, second] of seconds.entries()) {
    if (second === newest) continue;
    if (passed >= others) break;
    passed += 1;
    const endedMs = (seconds[index + 1] ?? Number.POSITIVE_INFINITY) * 1_000;
    if (endedMs > nowMs) unsure.push(second);
    else if (nowMs - endedMs > maxAgeMs) old.push(second);
  }
  return { old, unsure };
}

/**
 * Those that were last written to too long ago. A file written to while the clock was wrong ended before the next one
 * did.
 */
async function oldByLastWrite(
  open: OpenDirectory,
  { extension, seconds }: DatedFiles,
  unsure: readonly number[],
  { root, maxAgeMs, nowMs, signal }: RetentionOptions,
): Promise<number[]> {
  const old: number[] = [];
  const isUnsure = new Set(unsure);
  let endedMs = Number.POSITIVE_INFINITY;
  const from = unsure.length === 0 ? seconds.length : seconds.indexOf(unsure[0]!);
  for (let index = seconds.length - 1; index >= from && !signal.aborted; index -= 1) {
    const second = seconds[index]!;
    const status = await ifThere(root.fileSystem.lstat(open.at(logFileName(second, extension))));
    if (status === undefined) continue;
    const writtenMs = Number(status.mtimeMs);
    if (writtenMs <= nowMs || writtenMs < endedMs) endedMs = writtenMs;
    if (isUnsure.has(second) && nowMs - endedMs > maxAgeMs) old.push(second);
  }
  return old.reverse();
}
