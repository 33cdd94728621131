import type { RotationRules } from "./rotation-rules.js";

/** Identifies one log: one sequence of files in one directory, with one writer at a time. */
export interface LogId {
  /** The section's `logRoot`, an absolute path. */
  readonly root: string;
  /** One path component below it, already safe (see `nodes/names`); the registry refuses anything else. */
  readonly directory: string;
  readonly extension: "json" | "log";
}

/** The file that a log goes on in, and its size. */
export interface LogPlace {
  readonly file: string;
  readonly bytes: number;
}

/** One fault of one log that lasts: it begins with a failed attempt and ends with the next success. */
export interface LogFault {
  readonly log: LogId;
  /**
   * `failing`: lines wait. `degraded`: lines are written, but to a file that has reached its limit, because no new one
   * can be created.
   */
  readonly severity: "failing" | "degraded";
  /** The system call that failed: `open`, `write`, `fdatasync`, `mkdir` … */
  readonly operation: string;
  readonly path: string;
  readonly error: NodeJS.ErrnoException;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What is wrong with deleting old files below this root; `root` is its real path. */
export type ExpiryFault =
  /** Old files stay. */
  | { readonly root: string; readonly code: "undeletable"; readonly error: NodeJS.ErrnoException }
  /** Files whose names are ahead of the clock: they expire by the time they were last written to. */
  | {
      readonly root: string;
      readonly code: "from-the-future";
      readonly count: number;
      readonly latest: string;
    };

/** Another tracer that writes below the same root. */
export interface OtherWriter {
  readonly pid: number;
  /** What it collects from, if it says so. */
  readonly identity: string | undefined;
  /** When it joined, as an ISO date. */
  readonly since: string;
}

/** Whether this registry has claimed a node's directory. */
export type ClaimOutcome =
  /** No other tracer writes there until `release` is called, and nothing more of ours is written there. */
  | { readonly state: "ours"; release(): void }
  /** Another tracer writes there, below this root. */
  | { readonly state: "taken"; readonly root: string; readonly by: OtherWriter };

/** The outcome of a stop. */
export interface StopReport {
  /** Bytes that were appended but not written, and so rejected. */
  readonly unwrittenBytes: number;
  /** Roots where a file system call has not returned: it may prevent the process from exiting. */
  readonly hanging: readonly string[];
}

/**
 * Owns every open file. Lines appended to a log are written to its current file whole, once and in the order of the calls,
 * across rotations, evictions and reopenings, however long a fault lasts.
 */
export interface HandleRegistry extends AsyncDisposable {
  /**
   * Appends whole lines (`bytes` ends with a line feed and must not change until settled). Resolves when the
   * operating system has them (or the disk, with `durability: "disk"`). A failing file system delays it and is
   * retried; it rejects with `RegistryStopped` only, when the registry is stopped before the lines were written,
   * and with `RegistryError` for an error of the caller: `log-invalid`, `line-unfinished`.
   */
  append(log: LogId, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything appended to this log, by any caller, is written. */
  drained(log: LogId): Promise<void>;
  /**
   * Where a log ends now, looked up for this call. Undefined if nothing was appended to it of late, if its next line begins a
   * file, or if its file is no longer where it was. Rejects with what the file system says.
   */
  endOf(log: LogId): Promise<LogPlace | undefined>;
  /**
   * Closes the current file and begins a new one, at once, however young the old one is; an empty file is kept.
   * Resolves when the new file exists. Rejects as `append` does.
   */
  rotate(log: LogId): Promise<void>;
  /**
   * Claims a node's directory below every root against other tracers. If that cannot be decided (the disk fails, or does
   * not answer within some seconds) it counts as ours: lines still wait until no other tracer writes there.
   * @throws RegistryError `log-invalid`
   */
  claim(directory: string): Promise<ClaimOutcome>;
  /**
   * Registers a user of the log; its state is kept until every user has released it and nothing is
   * unwritten. @throws RegistryError `log-invalid`
   */
  acquire(log: LogId): void;
  release(log: LogId): void;
  /**
   * Closes every handle, one in the middle of a line as soon as that is whole. The next write reopens the same file
   * if name and inode still match, otherwise starts a new one (SIGHUP). Another disk in a root's place is
   * accepted. It waits neither for lines nor for a close that hangs.
   */
  reopen(): Promise<void>;
  /** Applies other rules from now on, also to open files; without rules, one file forever. */
  setRotation(rules: RotationRules | undefined): void;
  /** Deletes rotated files that are too old, in every directory below every root. */
  expire(): Promise<void>;
  stats(): RegistryStats;
  /** Current faults, oldest first. */
  faults(): readonly LogFault[];
  /** Roots below which old files cannot be deleted at present, or files are from the future. */
  expiryFaults(): readonly ExpiryFault[];
  /**
   * Accepts nothing more, writes what is pending, closes all files, and removes the claims; idempotent, waits, but never
   * longer than `deadlineMs` (2,000 by default). What is unwritten shortly before that is rejected.
   */
  stop(options?: { deadlineMs?: number }): Promise<StopReport>;
}

/** Counts since the start, except where a name says `now`. */
export interface RegistryStats {
  /** The effective limit, for all roots together, including a few handles for directories. */
  readonly maxOpenFiles: number;
  /** Handles of log files open, opening or closing. */
  readonly openNow: number;
  /** Logs whose file holds bytes that are not safe yet: its handle must stay. */
  readonly pinnedNow: number;
  readonly logsNow: number;
  readonly unwrittenBytesNow: number;
  /** Writes that found their file open, and those that had to open one. */
  readonly hits: number;
  readonly misses: number;
  /** Files opened, including new ones (`created`) and those closed before (`reopened`). */
  readonly opened: number;
  readonly created: number;
  readonly reopened: number;
  /** Handles closed because another log needed one. */
  readonly evicted: number;
  readonly idleClosed: number;
  readonly rotated: number;
  readonly expired: number;
  /** Current files that somebody else deleted or renamed. */
  readonly vanished: number;
  readonly tornClosed: number;
  readonly writes: number;
  /** Bytes that are safe. */
  readonly bytesWritten: number;
  readonly failedAttempts: number;
  /** Bytes written again because a file could not be trusted with them: they may be in both. */
  readonly possiblyDoubledBytes: number;
}

/** The registry was stopped before these lines were written. */
export class RegistryStopped extends Error {
  override readonly name = "RegistryStopped";

  constructor() {
    super("the registry was stopped before these lines were written");
  }
}
