import { lstat, realpath, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Holder } from "./claim-file.js";
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
import { canHoldDirectories, openDirectory } from "./open-directory.js";
import { directoryHandles, handlesWithin, operationsPerRoot, readOpenFilesLimit } from "./process-limit.js";
import { quickLook } from "./quick-look.js";
import { newCounters, type RegistryCounters } from "./registry-counters.js";
import { RegistryError } from "./registry-fault.js";
import type { RegistryObserver } from "./registry-observer.js";
import { RootClaims } from "./root-claims.js";
import type { RotationRules } from "./rotation-rules.js";

export interface RegistryOptions {
  /** Absolute; the same directory may be given more than once, under any name. */
  readonly roots: readonly string[];
  /**
   * What is collected, in words that people understand, such as `AcceptAt unix:/run/cardano.sock`: a second registry
   * with the same text below one of the roots is refused. Absent: none is refused.
   */
  readonly identity?: string | undefined;
  /** Absent: one file forever. */
  readonly rotation?: RotationRules | undefined;
  /**
   * Most handles open at the same time, of files and (at most one in eight) of directories, shared evenly among the roots,
   * at least one each; lowered to fit the process's limit (the effective value is in `stats()`).
   */
  readonly maxOpenFiles: number;
  /** Closes a file that has been idle for this long, in milliseconds; 0 keeps it open. */
  readonly idleTimeoutMs: number;
  /** When lines are safe: once the operating system has them, or once the disk has them. */
  readonly durability: "os" | "disk";
  /** Permission bits of files; absent: the umask decides, and others can never write. */
  readonly mode?: number | undefined;
  /** Permission bits of directories; absent: the umask decides, and others can never write. */
  readonly dirMode?: number | undefined;
  readonly observer: RegistryObserver;
  /** Once this has fired nothing is waited for or opened. */
  readonly stopping?: AbortSignal | undefined;
  /** @default the system's */
  readonly clock?: Clock;
  /** @default the kernel's */
  readonly fileSystem?: FileSystem;
  /** How many files the process may have open. @default its soft limit */
  readonly processLimit?: number;
}

/** A handle closed after being idle for less than this was practically in use. */
const briefRestMs = 10_000;
const workingSetQuietMs = 600_000;

/**
 * Creates missing roots, and joins each beside other tracers, if any. Takes up to half a minute if a tracer of another
 * machine may have died there just now.
 * @throws RegistryError `root-unusable`, or `already-running` if a tracer with the same identity writes there; nothing
 * stays claimed. The reason of `stopping` if that fires while it waits for another machine's tracer
 */
export async function openHandleRegistry(options: RegistryOptions): Promise<HandleRegistry> {
  const { clock = systemClock, processLimit = readOpenFilesLimit() } = options;
  const complete: CompleteOptions = {
    fileSystem: kernelFileSystem,
    mode: undefined,
    dirMode: undefined,
    rotation: undefined,
    identity: undefined,
    stopping: undefined,
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

/** The lock file of earlier versions, which guessed whether its process was alive. */
const oldLock = ".muninn.lock";

/** The roots by their configured paths. */
async function openRoots(options: CompleteOptions): Promise<Map<string, LogRoot>> {
  const { clock, maxOpenFiles, observer } = options;
  const realPaths = new Map<string, string>();
  for (const root of options.roots) realPaths.set(root, await prepareRoot(options, root));
  const distinct = [...new Set(realPaths.values())];
  const canHold = distinct.length === 0 || (await canHoldDirectoriesAt(distinct[0]!));
  if (!canHold) observer.directoriesUnguarded();
  const onEvicted = workingSetWatch(observer, clock, maxOpenFiles);
  const opened = new Map<string, LogRoot>();
  try {
    for (const [index, path] of distinct.entries()) {
      const handles = share(maxOpenFiles, distinct.length, index);
      const operations = operationsPerRoot(distinct.length);
      opened.set(path, await openRoot(options, { path, handles, operations, canHold, onEvicted }));
    }
    for (const root of opened.values()) await comeToRoot(options, root);
  } catch (error) {
    await Promise.all([...opened.values()].map(({ claims }) => claims.remove()));
    throw error;
  }
  return new Map([...realPaths].map(([given, path]) => [given, opened.get(path)!]));
}

interface RootFacts {
  readonly path: string;
  readonly handles: number;
  readonly operations: number;
  readonly canHold: boolean;
  readonly onEvicted: (idleMs: number) => void;
}

async function openRoot(
  { clock, counters, dirMode, fileSystem, identity, observer }: CompleteOptions,
  { path, handles, operations, canHold, onEvicted }: RootFacts,
): Promise<LogRoot> {
  const findLook = async () => (fileSystem === kernelFileSystem ? await quickLook(path) : undefined);
  const bounded = boundedFileSystem(fileSystem, operations, await findLook());
  const forDirectories = directoryHandles(handles, operations);
  const pool = new HandlePool({
    limit: handles - forDirectories,
    fileSystem: bounded,
    clock,
    counters,
    onEvicted,
  });
  const onGone = () =>
    root
      .ensure()
      .then(() => claims.moveIn({ isOther: false }))
      .catch(() => {});
  const onCrowd = (files: number) => observer.claimsCrowded(path, files);
  const claims: RootClaims = await orUnusable(path, () =>
    RootClaims.open({ root: path, identity, dirMode, canHold, clock, onGone, onCrowd }),
  );
  const { dev: device } = await fileSystem.lstat(path);
  const root: LogRoot = new LogRoot({
    path,
    device,
    dirMode,
    clock,
    fileSystem: bounded,
    pool,
    claims,
    handles,
    mostDirectories: Math.max(1, forDirectories),
    canHold,
    findLook,
  });
  return root;
}

/** Makes sure that no other tracer has the same identity there, once it is known which are alive. */
async function comeToRoot({ observer, stopping }: CompleteOptions, { path, claims }: LogRoot): Promise<void> {
  const onWait = ({ pid, identity, since }: Holder, milliseconds: number) =>
    observer.claimAwaited(path, { pid, identity, since }, milliseconds);
  await orUnusable(path, () => claims.awaitSilent(onWait, stopping));
  stopping?.throwIfAborted();
  const twin = await orUnusable(path, () => claims.twin());
  if (twin !== undefined) {
    const { pid, identity, since } = twin;
    throw new RegistryError({ code: "already-running", root: path, by: { pid, identity, since } });
  }
  await unlink(join(path, oldLock)).catch(() => {});
}

async function prepareRoot({ fileSystem, dirMode }: CompleteOptions, root: string): Promise<string> {
  return orUnusable(root, async () => {
    const { missing } = await nearestThere(fileSystem, root);
    for (const directory of missing) await makeDirectory(fileSystem, directory, dirMode);
    return realpath(root);
  });
}

async function canHoldDirectoriesAt(root: string): Promise<boolean> {
  return orUnusable(root, async () => {
    const directory = await openDirectory(kernelFileSystem, root, true);
    try {
      return await canHoldDirectories(directory, (path) => lstat(path));
    } finally {
      await kernelFileSystem.close(directory.fd);
    }
  });
}

async function orUnusable<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new RegistryError({ code: "root-unusable", root }, { cause });
  }
}

/** How many of the handles the root at `index` gets. */
function share(handles: number, roots: number, index: number): number {
  return Math.max(1, Math.floor(handles / roots) + (index < handles % roots ? 1 : 0));
}

/** Reports that more logs are written than the limit allows, at most once in some minutes. */
function workingSetWatch(
  observer: RegistryObserver,
  clock: Clock,
  maxOpenFiles: number,
): (idleMs: number) => void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (idleMs) => {
    const now = clock.monotonic();
    if (idleMs >= briefRestMs || now - reportedAt < workingSetQuietMs) return;
    reportedAt = now;
    observer.workingSetTooLarge(maxOpenFiles);
  };
}
