import type { Clock } from "./clock.js";
import type { RotationFailure } from "./current-file.js";
import { failedWith } from "./file-system.js";
import type { LogFault, LogId } from "./handle-registry.js";
import type { RegistryCounters } from "./registry-counters.js";
import type { RegistryObserver } from "./registry-observer.js";

/** Codes that idle handles may have caused: they are handles, and a deleted file keeps its space while it is open. */
const shortageCodes = ["EMFILE", "ENFILE", "ENOSPC", "EDQUOT"];

export interface LogFaultsOptions {
  readonly log: LogId;
  readonly clock: Clock;
  readonly counters: RegistryCounters;
  readonly observer: RegistryObserver;
  /** A fault has begun or ended. */
  readonly onFault: (isFaulty: boolean) => void;
  /** Handles or space are short, and idle handles may hold some. */
  readonly onShortage: () => void;
}

/** What is wrong with one log, from the first attempt that fails to the first that succeeds. */
export class LogFaults {
  readonly #options: LogFaultsOptions;
  /** Lines cannot be written. */
  #fault: LogFault | undefined;
  /** Lines are written, but to a file that should have ended. */
  #rotationFault: LogFault | undefined;
  #knownRotationFailure: RotationFailure | undefined;

  constructor(options: LogFaultsOptions) {
    this.#options = options;
  }

  /** The worst current fault. */
  get worst(): LogFault | undefined {
    return this.#fault ?? this.#rotationFault;
  }

  /** An attempt to write has failed. `path` is that of the current file. */
  failed(error: NodeJS.ErrnoException, path: string): void {
    const { clock, counters, observer, onFault, onShortage } = this.#options;
    counters.failedAttempts += 1;
    if (failedWith(error, ...shortageCodes)) onShortage();
    const isNew = this.#fault === undefined;
    this.#fault = this.#describe("failing", error, path, this.#fault?.since ?? clock.now());
    if (!isNew) return;
    onFault(true);
    observer.faultBegan(this.#fault);
  }

  /** An attempt to write has succeeded. */
  recovered(): void {
    if (this.#fault === undefined) return;
    const fault = this.#fault;
    this.#fault = undefined;
    if (this.#rotationFault === undefined) this.#options.onFault(false);
    this.#options.observer.faultOver(fault);
  }

  /**
   * Called repeatedly with the reason why the current file, at `path`, could not be replaced by a new one; with undefined
   * if nothing is wrong.
   */
  rotated(failure: RotationFailure | undefined, path: string): void {
    if (failure === this.#knownRotationFailure) return;
    const { observer, onFault, onShortage } = this.#options;
    this.#knownRotationFailure = failure;
    const before = this.#rotationFault;
    if (failure === undefined) {
      this.#rotationFault = undefined;
      if (before === undefined) return;
      if (this.#fault === undefined) onFault(false);
      observer.faultOver(before);
      return;
    }
    if (failedWith(failure.error, ...shortageCodes)) onShortage();
    this.#rotationFault = this.#describe("degraded", failure.error, path, failure.since);
    if (before !== undefined) return;
    onFault(true);
    observer.faultBegan(this.#rotationFault);
  }

  #describe(
    severity: LogFault["severity"],
    error: NodeJS.ErrnoException,
    current: string,
    since: number,
  ): LogFault {
    const { syscall: operation = "open", path = current } = error;
    return { log: this.#options.log, severity, operation, path, error, since };
  }
}
