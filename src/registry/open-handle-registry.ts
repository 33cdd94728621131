import { realpath } from "node:fs/promises";
import { type Clock, systemClock } from "./clock.js";
import {
  boundedFileSystem,
  type FileSystem,
  kernelFileSystem,
  makeDirectory,
  nearestThere,
} from "./file-system.js";
import { HandlePool } from "./handle-pool.js";
import type { HandleRegistry } from "./handle-registry.js";
import { LogRegistry } from "./log-registry.js";
import { LogRoot } from "./log-root.js";
import { handlesWithin, operationsPerRoot, readOpenFilesLimit } from "./process-limit.js";
import { quickLook } from "./quick-look.js";
import { newCounters, type RegistryCounters } from "./registry-counters.js";
import { RegistryError } from "./registry-fault.js";
import type { RegistryObserver } from "./registry-observer.js";
import { lockRoot, type RootLock } from "./root-lock.js";
import type { RotationRules } from "./rotation-rules.js";

export interface RegistryOptions {
  /** Absolute; the same directory may be given more than once, under any name. */
  readonly roots: readonly string[];
  /** Absent: one file for ever. */
  readonly rotation?: RotationRules | undefined;
  /**
   * Handles open at the same time, shared out evenly among the roots, each of which has at least one; lowered to
   * fit the process's limit (the effective value is in `stats()`).
   */
  readonly maxOpenFiles: number;
  /** Closes a file nobody has written to for this long, in milliseconds; 0 keeps it open. */
  readonly idleTimeoutMs: number;
  /** When lines are safe: the operating system has them, or the disk. */
  readonly durability: "os" | "disk";
  /** Permission bits of files; absent: the umask decides. */
  readonly mode?: number | undefined;
  /** Permission bits of directories; absent: the umask decides. */
  readonly dirMode?: number | undefined;
  readonly observer: RegistryObserver;
  /** @default the system's */
  readonly clock?: Clock;
  /** @default the kernel's */
  readonly fileSystem?: FileSystem;
  /** Files the process may have open. @default its soft limit */
  readonly processLimit?: number;
}

/** A handle that had to go after so short a rest was in use, more or less. */
const briefRestMs = 10_000;
const workingSetQuietMs = 600_000;

/**
 * Makes the roots where they are missing, and locks them.
 * @throws RegistryError `root-unusable`, or `root-locked` where another registry writes there; nothing stays locked
 */
export async function openHandleRegistry(options: RegistryOptions): Promise<HandleRegistry> {
  const { clock = systemClock, processLimit = readOpenFilesLimit() } = options;
  const complete: CompleteOptions = {
    fileSystem: kernelFileSystem,
    mode: undefined,
    dirMode: undefined,
    rotation: undefined,
    ...options,
    clock,
    counters: newCounters(),
    maxOpenFiles: Math.min(options.maxOpenFiles, handlesWithin(processLimit)),
  };
  return new LogRegistry({ ...complete, roots: await openRoots(complete) });
}

type CompleteOptions = Required<Omit<RegistryOptions, "processLimit">> & {
  readonly counters: RegistryCounters;
};

/** The roots by the paths they were given as. */
async function openRoots(options: CompleteOptions): Promise<Map<string, LogRoot>> {
  const { clock, counters, dirMode, fileSystem, maxOpenFiles, observer } = options;
  const realPaths = new Map<string, string>();
  for (const root of options.roots) realPaths.set(root, await prepareRoot(options, root));
  const distinct = [...new Set(realPaths.values())];
  const onEvicted = workingSetWatch(observer, clock, maxOpenFiles);
  const opened = new Map<string, LogRoot>();
  try {
    for (const [index, path] of distinct.entries()) {
      const look = fileSystem === kernelFileSystem ? await quickLook(path) : undefined;
      const bounded = boundedFileSystem(fileSystem, operationsPerRoot(distinct.length), look);
      const limit = share(maxOpenFiles, distinct.length, index);
      const pool = new HandlePool({ limit, fileSystem: bounded, clock, counters, onEvicted });
      const lock = await lockOf(path);
      const { dev: device } = await fileSystem.lstat(path);
      opened.set(path, new LogRoot({ path, device, dirMode, fileSystem: bounded, pool, lock }));
    }
  } catch (error) {
    await Promise.all([...opened.values()].map(({ lock }) => lock.release()));
    throw error;
  }
  return new Map([...realPaths].map(([given, path]) => [given, opened.get(path)!]));
}

async function prepareRoot({ fileSystem, dirMode }: CompleteOptions, root: string): Promise<string> {
  try {
    const { missing } = await nearestThere(fileSystem, root);
    for (const directory of missing) await makeDirectory(fileSystem, directory, dirMode);
    return await realpath(root);
  } catch (cause) {
    throw new RegistryError({ code: "root-unusable", root }, { cause });
  }
}

async function lockOf(root: string): Promise<RootLock> {
  try {
    return await lockRoot(root);
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause;
    throw new RegistryError({ code: "root-unusable", root }, { cause });
  }
}

/** What the root at `index` gets of so many handles. */
function share(handles: number, roots: number, index: number): number {
  return Math.max(1, Math.floor(handles / roots) + (index < handles % roots ? 1 : 0));
}

/** Tells of a working set that is larger than the limit, again after some minutes at the earliest. */
function workingSetWatch(
  observer: RegistryObserver,
  clock: Clock,
  maxOpenFiles: number,
): (idleMs: number) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (idleMs) => {
    const now = clock.monotonic();
    if (idleMs >= briefRestMs || now - toldAt < workingSetQuietMs) return;
    toldAt = now;
    observer.workingSetTooLarge(maxOpenFiles);
  };
}
