import { LRUCache } from "lru-cache";
import { type Clock, within } from "./clock.js";
import type {
  ClaimOutcome,
  ExpiryFault,
  HandleRegistry,
  LogFault,
  LogId,
  LogPlace,
  RegistryStats,
  StopReport,
} from "./handle-registry.js";
import { RegistryStopped } from "./handle-registry.js";
import type { LogRoot } from "./log-root.js";
import { LogWriter } from "./log-writer.js";
import { claimsDirectory } from "./own-claim-file.js";
import type { RegistryCounters } from "./registry-counters.js";
import { RegistryError } from "./registry-fault.js";
import type { RegistryObserver } from "./registry-observer.js";
import type { DirectoryClaim } from "./root-claims.js";
import { RootRetention, type RootRetentionOptions } from "./root-retention.js";
import type { RotationRules } from "./rotation-rules.js";
import { SpareHandle } from "./spare-handle.js";

const lineFeed = 0x0a;
/** Longest name of a directory in bytes: the system's limit. */
const maxNameBytes = 255;
/** Idle handles are looked for this many times within the timeout: they stay open up to a quarter longer. */
const idleLooks = 4;
/** How long a stop tries to write by default. */
const defaultDeadlineMs = 2_000;
/** A log uses one name a second, so only logs that ended within the last second need to be remembered. */
const rememberedNames = 1_000;
/** How long reopening waits for files to be closed, and for disks to be checked. */
const reopenMs = 500;
/** How long a node waits to learn whether its directory is free. */
const claimMs = 3_000;
/** The part of a stop's time that is reserved for closing files and removing claims. */
const closingMs = (deadlineMs: number) => Math.min(250, deadlineMs / 4);

export interface LogRegistryOptions {
  /** By configured path, and by real path. */
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

type ClaimAttempt = Awaited<ReturnType<LogRoot["claimDirectory"]>>;

interface RootLogs {
  readonly root: LogRoot;
  /** For each log in use. */
  readonly writers: Map<string, LogWriter>;
  /**
   * The last file started, for logs no longer in use: its name is not used again, even if it was moved away.
   */
  readonly lastNames: LRUCache<string, string>;
  readonly retention: RootRetention;
}

/** The registry of all roots: which logs there are, what runs periodically, and the stop. */
export class LogRegistry implements HandleRegistry {
  readonly #options: LogRegistryOptions;
  readonly #logs: readonly RootLogs[];
  readonly #logsByRoot: ReadonlyMap<string, RootLogs>;
  /** Writers that currently cannot write, longest first. */
  readonly #faulty = new Set<LogWriter>();
  #rotation: RotationRules | undefined;
  #endRotation = () => {};
  #endIdleLooks = () => {};
  readonly #spare = new SpareHandle();
  readonly #stopping = new AbortController();
  #stopped: Promise<StopReport> | undefined;

  constructor(options: LogRegistryOptions) {
    this.#options = options;
    const { clock, idleTimeoutMs, roots, rotation } = options;
    const logs = new Map<LogRoot, RootLogs>();
    for (const root of roots.values()) {
      if (logs.has(root)) continue;
      const writers = new Map<string, LogWriter>();
      const isCurrent: RootRetentionOptions["isCurrent"] = (path, directory, extension) =>
        writers.get(keyOf({ directory, extension }))?.currentPath === path;
      const { signal } = this.#stopping;
      const rootLogs: RootLogs = {
        root,
        writers,
        lastNames: new LRUCache({ max: rememberedNames }),
        retention: new RootRetention({ ...options, root, isCurrent, signal }),
      };
      logs.set(root, rootLogs);
      root.onReplaced = () => {
        options.observer.diskReplaced(root.path);
        for (const writer of rootLogs.writers.values()) writer.reopen();
      };
    }
    this.#logs = [...logs.values()];
    this.#logsByRoot = new Map([...roots].map(([path, root]) => [path, logs.get(root)!]));
    if (idleTimeoutMs > 0) {
      this.#endIdleLooks = clock.every(idleTimeoutMs / idleLooks, () => this.#closeIdle());
    }
    this.setRotation(rotation);
    this.#spare.keep();
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

  async endOf(log: LogId): Promise<LogPlace | undefined> {
    return this.#knownWriter(log)?.end();
  }

  async rotate(log: LogId): Promise<void> {
    this.#refuseWhenStopping();
    await this.#writer(log).rotate();
  }

  async claim(directory: string): Promise<ClaimOutcome> {
    const held: { root: LogRoot; claim: DirectoryClaim }[] = [];
    const release = () => {
      for (const { root, claim } of held.splice(0)) root.claims.release(directory, claim);
    };
    for (const { root } of this.#logs) {
      if (!isOneComponent(directory)) {
        throw new RegistryError({
          code: "log-invalid",
          log: { root: root.path, directory, extension: "json" },
        });
      }
      const found = await this.#claimBelow(root, directory);
      if (found === undefined) continue;
      if ("holder" in found) {
        release();
        const { pid, identity, since } = found.holder;
        return { state: "taken", root: root.path, by: { pid, identity, since } };
      }
      held.push({ root, claim: found });
    }
    return { state: "ours", release };
  }

  acquire(log: LogId): void {
    this.#writer(log).acquire();
  }

  release(log: LogId): void {
    this.#knownWriter(log)?.release();
  }

  async reopen(): Promise<void> {
    for (const writer of this.#writers()) writer.reopen();
    const looked = this.#logs.map(({ root }) => root.takeWhatIsThere().catch(() => {}));
    const closed = this.#logs.map(({ root }) => root.pool.closed());
    await within(this.#options.clock, reopenMs, Promise.all([...looked, ...closed]));
  }

  async expire(): Promise<void> {
    const rules = this.#rotation;
    if (rules === undefined) return;
    await Promise.all(this.#logs.map(({ retention }) => retention.expire(rules)));
  }

  stats(): RegistryStats {
    const writers = this.#writers();
    const pools = this.#logs.map(({ root }) => root.pool);
    return {
      ...this.#options.counters,
      maxOpenFiles: sum(this.#logs.map(({ root }) => root.handles)),
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
    return this.#logs.flatMap(({ retention }) => retention.faults());
  }

  async stop({ deadlineMs = defaultDeadlineMs }: { deadlineMs?: number } = {}): Promise<StopReport> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(deadlineMs: number): Promise<StopReport> {
    const { clock } = this.#options;
    this.#stopping.abort();
    this.#endIdleLooks();
    this.#endRotation();
    this.#spare.release();
    const writers = this.#writers();
    const drained = Promise.all(writers.map((writer) => writer.drained()));
    await within(clock, deadlineMs - closingMs(deadlineMs), drained);
    const unwrittenBytes = sum(writers.map((writer) => writer.unwrittenBytes));
    for (const writer of writers) writer.giveUp();
    const hanging = new Set(this.#logs.map(({ root }) => root.path));
    const closed = this.#logs.map(async (logs) => {
      await this.#close(logs);
      hanging.delete(logs.root.path);
    });
    await within(clock, closingMs(deadlineMs), Promise.all(closed));
    return { unwrittenBytes, hanging: [...hanging] };
  }

  /** A root where a call hangs stays claimed: that call may still write there. */
  async #close({ root, writers, retention }: RootLogs): Promise<void> {
    root.pool.shut();
    root.claims.end();
    await Promise.all([...writers.values()].map((writer) => writer.atRest()));
    await retention.atRest();
    await root.closed();
    await root.claims.remove();
  }

  /** Undefined if that cannot be decided in time. */
  async #claimBelow(root: LogRoot, directory: string): Promise<ClaimAttempt | undefined> {
    const claiming = root.claimDirectory(directory).catch(() => undefined);
    let found: ClaimAttempt | undefined;
    let isLate = false;
    const known = claiming.then((outcome) => {
      if (!isLate) found = outcome;
      else if (outcome !== undefined && !("holder" in outcome)) root.claims.release(directory, outcome);
    });
    await within(this.#options.clock, claimMs, known);
    isLate = true;
    return found;
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
      lastName: logs.lastNames.get(key),
      clock,
      counters,
      observer,
      limitBytes: () => this.#rotation?.limitBytes ?? Number.POSITIVE_INFINITY,
      durability,
      mode,
      dirMode,
      onShortage: () => this.#releaseUnneeded(),
      onFault: (isFaulty) => {
        if (isFaulty) this.#faulty.add(writer);
        else this.#noLongerFaulty(writer);
      },
      onUnused: () => {
        this.#noLongerFaulty(writer);
        if (logs.writers.get(key) === writer) logs.writers.delete(key);
        if (writer.lastName !== undefined) logs.lastNames.set(key, writer.lastName);
      },
    });
    logs.writers.set(key, writer);
    return writer;
  }

  #closeIdle(): void {
    const { counters, idleTimeoutMs } = this.#options;
    for (const { root } of this.#logs) counters.idleClosed += root.pool.closeIdle(idleTimeoutMs);
  }

  #noLongerFaulty(writer: LogWriter): void {
    this.#faulty.delete(writer);
    if (this.#faulty.size === 0 && !this.#stopping.signal.aborted) this.#spare.keep();
  }

  /** Releases everything not needed at the moment. */
  #releaseUnneeded(): void {
    this.#spare.release();
    for (const { root } of this.#logs) this.#options.counters.evicted += root.pool.closeIdle(0);
  }

  #rotateAndExpire(): void {
    // Both wait for the file system as long as it takes; a rotation that the stop prevents is not counted.
    for (const writer of this.#writers()) writer.rotateIfFull().catch(() => {});
    void this.expire();
  }
}

function keyOf({ directory, extension }: { directory: string; extension: string }): string {
  return `${directory}/${extension}`;
}

/** A name chosen by a peer must never lead outside the root. */
function isOneComponent(name: string): boolean {
  if (["", ".", "..", claimsDirectory].includes(name) || Buffer.byteLength(name) > maxNameBytes) return false;
  return !/[/\0]/.test(name);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
