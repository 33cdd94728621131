import { readFileSync } from "node:fs";

/** Handles that Node itself and file operations under way need. */
const reservedHandles = 32;
/** Size of libuv's thread pool where `UV_THREADPOOL_SIZE` says nothing. */
const defaultPoolThreads = 4;
/** More calls under way below one root gained nothing: writes into the page cache take microseconds. */
const mostOperationsPerRoot = 8;

/** Handles for log files of a process that may have `limit` in all, at least 1: half of the rest is for sockets. */
export function handlesWithin(limit: number): number {
  return Math.max(1, Math.floor((limit - reservedHandles) / 2));
}

/**
 * Connections of a process that may have `limit` files open, this many of them for log files; at least 1. With more,
 * sockets could take every handle before a single file is open, and no connection would ever leave.
 */
export function connectionsWithin(limit: number, openFiles: number): number {
  return Math.max(1, limit - reservedHandles - openFiles);
}

/**
 * Files this process may have open (the soft limit), infinity if there is none or the system does not tell.
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

/** File operations under way below each of this many roots: together never more than three quarters of the pool. */
export function operationsPerRoot(
  roots: number,
  poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || defaultPoolThreads,
): number {
  return Math.max(1, Math.min(mostOperationsPerRoot, Math.floor((poolThreads * 3) / 4 / roots)));
}

/**
 * How many of the handles below one root are for directories, which are open for a moment while files are found, begun
 * and deleted. Below eight handles none is: then one directory at a time is open in addition.
 */
export function directoryHandles(handles: number, operations: number): number {
  return handles < 8 ? 0 : Math.min(operations, Math.floor(handles / 8));
}
