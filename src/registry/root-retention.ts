import type { Clock } from "./clock.js";
import type { ExpiryFault } from "./handle-registry.js";
import type { LogRoot } from "./log-root.js";
import type { RegistryCounters } from "./registry-counters.js";
import type { RegistryObserver } from "./registry-observer.js";
import { expireFiles, type FilesFromFuture, type RetentionOptions } from "./retention.js";
import type { RotationRules } from "./rotation-rules.js";

export interface RootRetentionOptions {
  readonly root: LogRoot;
  readonly clock: Clock;
  readonly counters: RegistryCounters;
  readonly observer: RegistryObserver;
  /** Whether a log is written to this file. */
  readonly isCurrent: RetentionOptions["isCurrent"];
  /** Ends a running pass. */
  readonly signal: AbortSignal;
}

/** Deletes old files below one root periodically, and knows what prevents it. */
export class RootRetention {
  readonly #options: RootRetentionOptions;
  #expiring: Promise<void> | undefined;
  /** Why old files currently cannot be deleted. */
  #error: NodeJS.ErrnoException | undefined;
  #fromFuture: FilesFromFuture | undefined;

  constructor(options: RootRetentionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it is done; if one is already running, together with that. Never rejects: what could not be deleted is
   * retried the next time.
   */
  expire(rules: RotationRules): Promise<void> {
    this.#expiring ??= this.#expire(rules).finally(() => {
      this.#expiring = undefined;
    });
    return this.#expiring;
  }

  /** Resolves when nothing is running. */
  async atRest(): Promise<void> {
    await this.#expiring;
  }

  faults(): readonly ExpiryFault[] {
    const { path: root } = this.#options.root;
    const error = this.#error;
    const fromFuture = this.#fromFuture;
    return [
      ...(error === undefined ? [] : [{ root, code: "undeletable" as const, error }]),
      ...(fromFuture === undefined ? [] : [{ root, code: "from-the-future" as const, ...fromFuture }]),
    ];
  }

  async #expire({ maxAgeMs, keepFiles }: RotationRules): Promise<void> {
    const { clock, counters, isCurrent, observer, root, signal } = this.#options;
    try {
      const foreign = await root.claims.directoriesOfOthers();
      const fromFuture = await expireFiles({
        root,
        nowMs: clock.now(),
        maxAgeMs,
        keepFiles,
        isCurrent,
        isForeign: (directory) => foreign.has(directory),
        onExpired: (path) => {
          counters.expired += 1;
          observer.expired(path);
        },
        signal,
      });
      this.#error = undefined;
      if (fromFuture !== undefined && this.#fromFuture === undefined) {
        observer.filesFromFuture(root.path, fromFuture.count, fromFuture.latest);
      }
      this.#fromFuture = fromFuture;
    } catch (error) {
      const isNew = this.#error === undefined;
      this.#error = error as NodeJS.ErrnoException;
      if (isNew) observer.expiryFailed(root.path, this.#error);
    }
  }
}
