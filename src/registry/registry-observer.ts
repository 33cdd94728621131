import type { LogFault, LogId, OtherWriter } from "./handle-registry.js";

/** What an operator may want to know; called once for each event, not for each attempt. */
export interface RegistryObserver {
  /** Lines of a log are delayed, or continue in a file that should have ended, see its severity. */
  faultBegan(fault: LogFault): void;
  faultOver(fault: LogFault): void;
  rotated(log: LogId, newPath: string): void;
  /**
   * Somebody else deleted or renamed a current file; nothing is lost. If it happened while the file was closed, it is
   * unknown which of the two it was.
   */
  vanished(path: string, how: "deleted" | "renamed" | "deleted or renamed"): void;
  /** A previous process was killed in the middle of a line, which now has an end. */
  tornClosed(path: string): void;
  /**
   * The link to the current file cannot be set, which delays no line; it is retried now and then. Code `EEXIST`: what
   * exists is not a link and is left alone.
   */
  linkBlocked(log: LogId, error: NodeJS.ErrnoException): void;
  /** Files below the root are ahead of the clock; reported again only after they were gone. */
  filesFromFuture(root: string, count: number, latest: string): void;
  /** Another disk in the root's place was accepted. */
  diskReplaced(root: string): void;
  /** The start waits, for this many milliseconds at most, to learn whether a tracer on another machine is alive. */
  claimAwaited(root: string, by: OtherWriter, milliseconds: number): void;
  /** Called at every look: this many claim files are there, and most were left by no tracer, so some are not looked at. */
  claimsCrowded(root: string, files: number): void;
  /** This system cannot follow names through open directories: links put in a directory's place may be followed. */
  directoriesUnguarded(): void;
  expired(path: string): void;
  /** Old files cannot be deleted; reported again only after a success. */
  expiryFailed(root: string, error: NodeJS.ErrnoException): void;
  /** More logs are written at the same time than handles may be open. */
  workingSetTooLarge(maxOpenFiles: number): void;
}
