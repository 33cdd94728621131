import { type Clock, within } from "./clock.js";
import type { ExpiryFault, HandleRegistry, LogFault, LogId, RegistryStats } from "./handle-registry.js";
import { RegistryStopped } from "./handle-registry.js";
import type { LogRoot } from "./log-root.js";
import { LogWriter } from "./log-writer.js";
import type { RegistryCounters } from "./registry-counters.js";
import { RegistryError } from "./registry-fault.js";
import type { RegistryObserver } from "./registry-observer.js";
import { expireFiles } from "./retention.js";
import type { RotationRules } from "./rotation-rules.js";

const lineFeed = 0x0a;
/** Longest name of a directory, by the system's own limit. */
const maxNameBytes = 255;
/** Idle handles are looked for so many times within the timeout: they stay open up to a quarter longer. */
const idleLooks = 4;
/** How long a stop tries to write where nothing else is said. */
const defaultDeadlineMs = 2_000;
/** Of the time that a stop has, what it keeps for closing files and removing locks. */
const closingMs = (deadlineMs: number) => Math.min(250, deadlineMs / 4);

export interface LogRegistryOptions {
  /** By the path they were given as, and by their real path. */
  readonly roots: ReadonlyMap<string, LogRoot>;
  readonly rotation: RotationRules | undefined;
  readonly idleTimeoutMs: number;
  readonly durability: "os" | "disk";
  readonly mode: number | undefined;
  readonly dirMode: number | undefined;
  readonly observer: RegistryObserver;
  readonly clock: Clock;
  readonly counters: RegistryCounters;
}

interface RootLogs {
  readonly root: LogRoot;
  /** Of the logs that are in use. */
  readonly writers: Map<string, LogWriter>;
  /** Retention under way. */
  expiring: Promise<void> | undefined;
  /** Why old files cannot be deleted at the moment. */
  expiryError: NodeJS.ErrnoException | undefined;
}

/** The registry over its roots: which logs there are, what happens at times, and the end. */
export class LogRegistry implements HandleRegistry {
  readonly #options: LogRegistryOptions;
  readonly #logs: readonly RootLogs[];
  readonly #logsByRoot: ReadonlyMap<string, RootLogs>;
  /** Those that cannot write at the moment, in the order in which it began. */
  readonly #faulty = new Set<LogWriter>();
  #rotation: RotationRules | undefined;
  #endRotation = () => {};
  #endIdleLooks = () => {};
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(options: LogRegistryOptions) {
    this.#options = options;
    const { clock, idleTimeoutMs, roots, rotation } = options;
    const logs = new Map<LogRoot, RootLogs>();
    for (const root of roots.values()) {
      logs.set(root, { root, writers: new Map(), expiring: undefined, expiryError: undefined });
    }
    this.#logs = [...logs.values()];
    this.#logsByRoot = new Map([...roots].map(([path, root]) => [path, logs.get(root)!]));
    if (idleTimeoutMs > 0) {
      this.#endIdleLooks = clock.every(idleTimeoutMs / idleLooks, () => this.#closeIdle());
    }
    this.setRotation(rotation);
  }

  setRotation(rules: RotationRules | undefined): void {
    this.#endRotation();
    this.#endRotation = () => {};
    this.#rotation = rules;
    if (rules === undefined || this.#stopping.signal.aborted) return;
    this.#endRotation = this.#options.clock.every(rules.frequencyMs, () => this.#rotateAndExpire());
  }

  async append(log: LogId, bytes: Uint8Array): Promise<void> {
    this.#refuseWhenStopping();
    if (bytes.length === 0) return;
    if (bytes[bytes.length - 1] !== lineFeed) throw new RegistryError({ code: "line-unfinished", log });
    await this.#writer(log).append(bytes);
  }

  async drained(log: LogId): Promise<void> {
    await this.#knownWriter(log)?.drained();
  }

  async rotate(log: LogId): Promise<void> {
    this.#refuseWhenStopping();
    await this.#writer(log).rotate();
  }

  acquire(log: LogId): void {
    this.#writer(log).acquire();
  }

  release(log: LogId): void {
    this.#knownWriter(log)?.release();
  }

  async reopen(): Promise<void> {
    for (const writer of this.#writers()) writer.reopen();
    await Promise.all(this.#logs.map(({ root }) => root.pool.closed()));
  }

  async expire(): Promise<void> {
    await Promise.all(
      this.#logs.map((logs) => {
        logs.expiring ??= this.#expireBelow(logs).finally(() => {
          logs.expiring = undefined;
        });
        return logs.expiring;
      }),
    );
  }

  stats(): RegistryStats {
    const writers = this.#writers();
    const pools = this.#logs.map(({ root }) => root.pool);
    return {
      ...this.#options.counters,
      maxOpenFiles: sum(pools.map(({ limit }) => limit)),
      openNow: sum(pools.map(({ taken }) => taken)),
      pinnedNow: writers.filter(({ isPinned }) => isPinned).length,
      logsNow: writers.length,
      unwrittenBytesNow: sum(writers.map(({ unwrittenBytes }) => unwrittenBytes)),
    };
  }

  faults(): readonly LogFault[] {
    return [...this.#faulty].map(({ fault }) => fault!);
  }

  expiryFaults(): readonly ExpiryFault[] {
    return this.#logs.flatMap(({ root, expiryError }) =>
      expiryError === undefined ? [] : [{ root: root.path, error: expiryError }],
    );
  }

  async stop({ deadlineMs = defaultDeadlineMs }: { deadlineMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#stopping.abort();
    this.#endIdleLooks();
    this.#endRotation();
    const writers = this.#writers();
    const drained = Promise.all(writers.map((writer) => writer.drained()));
    await within(clock, deadlineMs - closingMs(deadlineMs), drained);
    for (const writer of writers) writer.giveUp();
    await within(clock, closingMs(deadlineMs), Promise.all(this.#logs.map((logs) => this.#close(logs))));
  }

  /** A root where something hangs stays locked: what hangs may still write there. */
  async #close({ root, writers, expiring }: RootLogs): Promise<void> {
    root.pool.shut();
    await Promise.all([...writers.values()].map((writer) => writer.atRest()));
    await expiring;
    await root.pool.closed();
    await root.lock.release();
  }

  #refuseWhenStopping(): void {
    if (this.#stopping.signal.aborted) throw new RegistryStopped();
  }

  #writers(): LogWriter[] {
    return this.#logs.flatMap(({ writers }) => [...writers.values()]);
  }

  #knownWriter(log: LogId): LogWriter | undefined {
    return this.#logsByRoot.get(log.root)?.writers.get(keyOf(log));
  }

  #writer(log: LogId): LogWriter {
    return this.#knownWriter(log) ?? this.#newWriter(log);
  }

  #newWriter(log: LogId): LogWriter {
    const logs = this.#logsByRoot.get(log.root);
    if (logs === undefined || !isOneComponent(log.directory)) {
      throw new RegistryError({ code: "log-invalid", log });
    }
    const { clock, counters, dirMode, durability, mode, observer } = this.#options;
    const key = keyOf(log);
    const writer = new LogWriter({
      log,
      root: logs.root,
      clock,
      counters,
      observer,
      limitBytes: () => this.#rotation?.limitBytes ?? Number.POSITIVE_INFINITY,
      durability,
      mode,
      dirMode,
      onShortage: () => this.#closeAllIdle(),
      onFault: (isFaulty) => {
        if (isFaulty) this.#faulty.add(writer);
        else this.#faulty.delete(writer);
      },
      onUnused: () => {
        this.#faulty.delete(writer);
        if (logs.writers.get(key) === writer) logs.writers.delete(key);
      },
    });
    logs.writers.set(key, writer);
    return writer;
  }

  #closeIdle(): void {
    const { counters, idleTimeoutMs } = this.#options;
    for (const { root } of this.#logs) counters.idleClosed += root.pool.closeIdle(idleTimeoutMs);
  }

  #closeAllIdle(): void {
    for (const { root } of this.#logs) this.#options.counters.evicted += root.pool.closeIdle(0);
  }

  #rotateAndExpire(): void {
    // Both wait for the file system as long as it takes; a rotation that the stop prevents is none.
    for (const writer of this.#writers()) writer.rotateIfFull().catch(() => {});
    void this.expire();
  }

  /** Never rejects: what could not be deleted now is tried again the next time. */
  async #expireBelow(logs: RootLogs): Promise<void> {
    const { clock, counters, observer } = this.#options;
    const rotation = this.#rotation;
    if (rotation === undefined) return;
    const { root, writers } = logs;
    try {
      await expireFiles({
        root: root.path,
        fileSystem: root.fileSystem,
        nowMs: clock.now(),
        maxAgeMs: rotation.maxAgeMs,
        keepFiles: rotation.keepFiles,
        isCurrent: (path, directory, extension) =>
          writers.get(keyOf({ directory, extension }))?.currentPath === path,
        onExpired: (path) => {
          counters.expired += 1;
          observer.expired(path);
        },
        signal: this.#stopping.signal,
      });
      logs.expiryError = undefined;
    } catch (error) {
      const isNew = logs.expiryError === undefined;
      logs.expiryError = error as NodeJS.ErrnoException;
      if (isNew) observer.expiryFailed(root.path, logs.expiryError);
    }
  }
}

function keyOf({ directory, extension }: { directory: string; extension: string }): string {
  return `${directory}/${extension}`;
}

/** What a peer chose must never lead elsewhere. */
function isOneComponent(name: string): boolean {
  if (name === "" || name === "." || name === ".." || Buffer.byteLength(name) > maxNameBytes) return false;
  return !/[/\0]/.test(name);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
