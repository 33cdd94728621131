import type { Dirent } from "node:fs";
import { basename, join } from "node:path";
import { logFilesAmong, newestAmong, secondInName } from "../log-files/log-file-names.js";
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
  /** Whether a log continues in this file, its handle open or not. */
  readonly isCurrent: (path: string, directory: string, extension: string) => boolean;
  /** Whether another tracer writes there: it looks after its own. */
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
/** Names that are ahead by less are no sign of a wrong clock: it may have been put right by a little. */
const toleranceMs = 60_000;

/**
 * Deletes what is too old below a root, whether its node is connected or not. One directory or file that fails stops
 * none of the others. Resolves with the files from the future.
 * @throws the first failure, at the end
 */
export async function expireFiles(options: RetentionOptions): Promise<FilesFromFuture | undefined> {
  const { root, isForeign, signal } = options;
  const failures: unknown[] = [];
  const fromFuture: string[] = [];
  // Here, since a start must not wait for it.
  const { default: fastGlob } = await import("fast-glob");
  const found = await fastGlob("*/node-*", {
    cwd: root.path,
    dot: true,
    ignore: [`${claimsDirectory}/**`],
    followSymbolicLinks: false,
    concurrency: 1,
    suppressErrors: true,
    fs: { readdir: readdirOf(root, failures) },
  });
  for (const [directory, names] of byDirectory(found)) {
    if (signal.aborted) return undefined;
    const ahead = extensions.flatMap((extension) =>
      logFilesAmong(names, extension).filter(
        (name) => secondInName(name, extension)! * 1_000 > options.nowMs + toleranceMs,
      ),
    );
    fromFuture.push(...ahead.map((name) => join(root.path, directory, name)));
    if (isForeign(directory)) continue;
    try {
      await expireIn(directory, names, options, failures);
    } catch (error) {
      // Moved away since it was read, or something else has its name.
      if (!failedWith(error, "ENOENT", "ENOTDIR", "ELOOP")) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  const latest = fromFuture.reduce<string | undefined>(
    (late, path) => (late === undefined || basename(path) > basename(late) ? path : late),
    undefined,
  );
  return latest === undefined ? undefined : { count: fromFuture.length, latest };
}

async function expireIn(
  directory: string,
  names: readonly string[],
  options: RetentionOptions,
  failures: unknown[],
): Promise<void> {
  const { root, isCurrent, onExpired, signal } = options;
  const logs = extensions.map((extension) => ({ extension, ...candidates(names, extension, options) }));
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
          // Another tracer, or an operator, was faster.
          if (!failedWith(error, "ENOENT")) failures.push(error);
        }
      }
    }
  });
}

/**
 * The names of one log that may go. The file that follows shows when it ended, and so how old it is (`old`), unless that
 * is from the future (`unsure`).
 */
function candidates(
  names: readonly string[],
  extension: string,
  { keepFiles, maxAgeMs, nowMs }: RetentionOptions,
): { files: string[]; old: string[]; unsure: string[] } {
  const files = logFilesAmong(names, extension);
  const newest = newestAmong(names, extension) ?? files.at(-1);
  const others = files.filter((name) => name !== newest);
  const old: string[] = [];
  const unsure: string[] = [];
  for (const name of others.slice(0, Math.max(0, others.length - keepFiles))) {
    const next = files[files.indexOf(name) + 1];
    const endedMs = next === undefined ? Number.POSITIVE_INFINITY : secondInName(next, extension)! * 1_000;
    if (endedMs > nowMs) unsure.push(name);
    else if (nowMs - endedMs > maxAgeMs) old.push(name);
  }
  return { files, old, unsure };
}

/**
 * Those that were last written to too long ago. A file written to while the clock was wrong ended before the next one
 * did.
 */
async function oldByLastWrite(
  open: OpenDirectory,
  files: readonly string[],
  unsure: readonly string[],
  { root, maxAgeMs, nowMs }: RetentionOptions,
): Promise<string[]> {
  const old: string[] = [];
  let endedMs = Number.POSITIVE_INFINITY;
  const from = files.findIndex((name) => unsure.includes(name));
  for (const name of from === -1 ? [] : files.slice(from).reverse()) {
    const status = await ifThere(root.fileSystem.lstat(open.at(name)));
    if (status === undefined) continue;
    const writtenMs = Number(status.mtimeMs);
    if (writtenMs <= nowMs || writtenMs < endedMs) endedMs = writtenMs;
    if (unsure.includes(name) && nowMs - endedMs > maxAgeMs) old.unshift(name);
  }
  return old;
}

function byDirectory(paths: readonly string[]): Map<string, string[]> {
  const directories = new Map<string, string[]>();
  for (const path of paths) {
    const slash = path.indexOf("/");
    const directory = path.slice(0, slash);
    const names = directories.get(directory) ?? [];
    directories.set(directory, names);
    names.push(path.slice(slash + 1));
  }
  return directories;
}

/** Lets the glob read directories as we do: each opened once, links not followed, this many at the same time. */
function readdirOf(root: LogRoot, failures: unknown[]) {
  const read = (path: string) =>
    root.visit(path === root.path ? "." : basename(path), ({ self }) => root.fileSystem.readdir(self));
  return (
    path: string,
    _options: unknown,
    callback?: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    ifThere(read(path)).then(
      (entries) => callback?.(null, entries ?? []),
      (error) => {
        failures.push(error);
        callback?.(error, []);
      },
    );
  };
}
