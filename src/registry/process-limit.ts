import { readFileSync } from "node:fs";

/** Handles that Node itself and running file operations need. */
const reservedHandles = 32;
/** Size of libuv's thread pool unless `UV_THREADPOOL_SIZE` is set. */
const defaultPoolThreads = 4;
/** More calls at a time below one root gained nothing: writes to the page cache take microseconds. */
const mostOperationsPerRoot = 8;

/** Handles for log files of a process that may have `limit` in all, at least 1: half of what Node leaves is for sockets. */
export function handlesWithin(limit: number): number {
  return Math.max(1, Math.floor((limit - reservedHandles) / 2));
}

/**
 * Most connections of a process that may have `limit` files open, `openFiles` of them for log files; at least 1. With more,
 * sockets could take every handle before a single file is open, and no connection would ever end.
 */
export function connectionsWithin(limit: number, openFiles: number): number {
  return Math.max(1, limit - reservedHandles - openFiles);
}

/**
 * Files this process may have open (the soft limit), infinity if there is none or the system does not say.
 *
 * @param limitsFile where Linux shows the limits of a process, see proc(5)
 */
export function readOpenFilesLimit(limitsFile = "/proc/self/limits"): number {
  let limits: string;
  try {
    limits = readFileSync(limitsFile, "latin1");
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Most file operations at a time below each of this many roots: together never more than three quarters of the pool. */
export function operationsPerRoot(
  roots: number,
  poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || defaultPoolThreads,
): number {
  return Math.max(1, Math.min(mostOperationsPerRoot, Math.floor((poolThreads * 3) / 4 / roots)));
}

/**
 * How many of the handles below one root are for directories, which are open briefly while files are found, started and
 * deleted. With fewer than eight handles it is none: then one directory at a time is open in addition.
 */
export function directoryHandles(handles: number, operations: number): number {
  return handles < 8 ? 0 : Math.min(operations, Math.floor(handles / 8));
}
