import type { LogFault, LogId, OtherWriter } from "./handle-registry.js";

/** What an operator may want to know; called once for each thing that happens, not for each attempt. */
export interface RegistryObserver {
  /** Lines of a log are delayed, or go on in a file that should have ended, see its severity. */
  faultBegan(fault: LogFault): void;
  faultOver(fault: LogFault): void;
  rotated(log: LogId, newPath: string): void;
  /**
   * A current file was deleted or renamed by others; nothing is lost by it. Its name may be gone while it was
   * closed, and then it is unknown which of the two it was.
   */
  vanished(path: string, how: "deleted" | "renamed" | "deleted or renamed"): void;
  /** A predecessor was killed in the middle of a line, which has an end now. */
  tornClosed(path: string): void;
  /**
   * The link to the current file cannot be set, which delays no line; tried again now and then. Code `EEXIST`:
   * what exists is not a link and is left alone.
   */
  linkBlocked(log: LogId, error: NodeJS.ErrnoException): void;
  /** Files below the root are ahead of the clock; not reported again before they were gone in between. */
  filesFromFuture(root: string, count: number, latest: string): void;
  /** Another disk in the root's place is the right one from now on. */
  diskReplaced(root: string): void;
  /** The start waits, for this many milliseconds at most, to learn whether a tracer on another machine lives. */
  claimAwaited(root: string, by: OtherWriter, milliseconds: number): void;
  /** This system cannot follow names through open directories: links put in a directory's place may be followed. */
  directoriesUnguarded(): void;
  expired(path: string): void;
  /** Old files cannot be deleted; not reported again before it has worked in between. */
  expiryFailed(root: string, error: NodeJS.ErrnoException): void;
  /** More logs are written at the same time than handles may be open. */
  workingSetTooLarge(maxOpenFiles: number): void;
}
