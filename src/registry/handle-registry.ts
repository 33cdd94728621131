/** Names one log: one sequence of files in one directory, written by one party at a time. */
export interface LogId {
  /** The section's `logRoot`, an absolute path. */
  readonly root: string;
  /** One path component below it, already safe (see `nodes/names`); the registry refuses anything else. */
  readonly directory: string;
  readonly extension: "json" | "log";
}

/** One fault of one log that lasts: it begins with a failed attempt and ends with the next success. */
export interface LogFault {
  readonly log: LogId;
  /** What was tried: `open`, `write`, `sync`, `link` … */
  readonly operation: string;
  readonly path: string;
  readonly error: NodeJS.ErrnoException;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/**
 * Owns every open file. Lines appended to a log land in its current file in the order of the calls, whole, once,
 * across rotations, evictions and reopenings, however long a fault lasts.
 */
export interface HandleRegistry extends AsyncDisposable {
  /**
   * Appends whole lines (`bytes` ends with a line feed and must not change until settled). Resolves when the
   * operating system has them (or the disk, with `durability: "disk"`). A failing file system delays it and is
   * retried; it rejects with `RegistryStopped` only, when the registry is stopped before the lines were written.
   */
  append(log: LogId, bytes: Uint8Array): Promise<void>;
  /** Resolves when nothing that was appended to this log, by whomever, is unwritten. */
  drained(log: LogId): Promise<void>;
  /** Closes the current file and begins a new one with the next write. */
  rotate(log: LogId): Promise<void>;
  /** Says that a user of the log is there; its state is kept until every user has released it and nothing is unwritten. */
  acquire(log: LogId): void;
  release(log: LogId): void;
  /** Closes every handle; the next write reopens the same file where name and inode still match, else begins a new one (SIGHUP). */
  reopen(): Promise<void>;
  /** Deletes what rotation has left behind and is too old, in every directory below every root. */
  expire(): Promise<void>;
  stats(): RegistryStats;
  /** Faults that last now, oldest first. */
  faults(): readonly LogFault[];
  /** Writes what is pending until `deadline` passes, closes all; idempotent, waits. */
  stop(options?: { deadlineMs?: number }): Promise<void>;
}

/** Counts since the start, except where a name says `now`. */
export interface RegistryStats {
  readonly maxOpenFiles: number;
  readonly openNow: number;
  readonly pinnedNow: number;
  readonly logsNow: number;
  readonly unwrittenBytesNow: number;
  readonly hits: number;
  readonly misses: number;
  readonly opened: number;
  readonly created: number;
  readonly reopened: number;
  readonly evicted: number;
  readonly idleClosed: number;
  readonly rotated: number;
  readonly expired: number;
  readonly vanished: number;
  readonly tornClosed: number;
  readonly writes: number;
  readonly bytesWritten: number;
  readonly failedAttempts: number;
  readonly possiblyDoubledBytes: number;
}
