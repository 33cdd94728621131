import type { Dirent } from "node:fs";
import { join } from "node:path";
import { logFilesAmong, secondInName } from "../log-files/log-file-names.js";
import { type FileSystem, ifThere } from "./file-system.js";

export interface RetentionOptions {
  readonly root: string;
  readonly fileSystem: FileSystem;
  readonly nowMs: number;
  readonly maxAgeMs: number;
  /** Files of a log kept beside its newest one, however old. */
  readonly keepFiles: number;
  /** Whether a log goes on in this file, its handle open or not. */
  readonly isCurrent: (path: string, directory: string, extension: string) => boolean;
  readonly onExpired: (path: string) => void;
  readonly signal: AbortSignal;
}

const extensions = ["json", "log"];

/**
 * Deletes what is too old below a root, whether its node is connected or not. One directory or file that fails stops
 * none of the others.
 * @throws the first failure, at the end
 */
export async function expireFiles(options: RetentionOptions): Promise<void> {
  const { root, fileSystem, isCurrent, onExpired, signal } = options;
  const failures: unknown[] = [];
  // Here, since a start must not wait for it.
  const { default: fastGlob } = await import("fast-glob");
  const found = await fastGlob("*/node-*", {
    cwd: root,
    dot: true,
    followSymbolicLinks: false,
    concurrency: 1,
    suppressErrors: true,
    fs: { readdir: readdirOf(fileSystem, failures) },
  });
  for (const [directory, names] of byDirectory(found)) {
    for (const extension of extensions) {
      for (const name of tooOld(names, extension, options)) {
        const path = join(root, directory, name);
        if (isCurrent(path, directory, extension)) continue;
        if (signal.aborted) return;
        try {
          await fileSystem.unlink(path);
          onExpired(path);
        } catch (error) {
          failures.push(error);
        }
      }
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** The names of one log that go. What follows a file tells when it ended, and so how old it is. */
function tooOld(
  names: readonly string[],
  extension: string,
  { keepFiles, maxAgeMs, nowMs }: RetentionOptions,
): string[] {
  const files = logFilesAmong(names, extension);
  return files.slice(0, -1 - keepFiles).filter((_, index) => {
    const endedMs = secondInName(files[index + 1]!, extension)! * 1_000;
    return nowMs - endedMs > maxAgeMs;
  });
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

/** Lets the glob read directories through our file system, which limits how many calls are under way. */
function readdirOf(fileSystem: FileSystem, failures: unknown[]) {
  return (
    path: string,
    _options: unknown,
    callback?: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    ifThere(fileSystem.readdir(path)).then(
      (entries) => callback?.(null, entries ?? []),
      (error) => {
        failures.push(error);
        callback?.(error, []);
      },
    );
  };
}
