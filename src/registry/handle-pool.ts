import { LRUCache } from "lru-cache";
import type { Clock } from "./clock.js";
import type { FileSystem } from "./file-system.js";
import { RegistryStopped } from "./handle-registry.js";
import { Permits } from "./permits.js";
import type { RegistryCounters } from "./registry-counters.js";

/** An open file. While it is parked the pool may close it. */
export interface Handle {
  readonly fd: number;
  /** The pool is closing it; its owner opens the file again when there is something to write. */
  left(): void;
}

export interface HandlePoolOptions {
  /** Most handles open, opening or closing at the same time. */
  readonly limit: number;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly counters: RegistryCounters;
  /** Called for each handle that was closed because another log needed one, with how long it had been idle. */
  readonly onEvicted: (idleMs: number) => void;
}

/**
 * The handles below one root. Each has a permit from before its file is opened until after it is closed; waiting callers
 * get permits in order. Only idle handles are in the cache; the least recently used one is closed first.
 */
export class HandlePool {
  readonly limit: number;
  readonly #options: HandlePoolOptions;
  readonly #permits: Permits;
  /** Idle handles and since when. */
  readonly #idle: LRUCache<Handle, number>;
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: HandlePoolOptions) {
    this.limit = options.limit;
    this.#options = options;
    this.#permits = new Permits(options.limit);
    // Counted by size: with `max`, the cache clears all its places whenever its last entry leaves.
    this.#idle = new LRUCache({ maxSize: options.limit, sizeCalculation: () => 1 });
  }

  /** Handles open, opening or closing. */
  get taken(): number {
    return this.#permits.taken;
  }

  /**
   * Calls `open` with a permit, which the file keeps until it is closed. If `open` rejects, or resolves with undefined,
   * there is no file and the permit is returned.
   * @throws RegistryStopped once the pool is closed
   */
  async open<T>(open: () => Promise<T | undefined>): Promise<T | undefined> {
    const permit = this.#permits.take();
    this.#makeRoom();
    await permit;
    let opened: T | undefined;
    try {
      if (this.#isClosed) throw new RegistryStopped();
      opened = await open();
      return opened;
    } finally {
      if (opened === undefined) this.#permits.giveBack();
      else this.#options.counters.opened += 1;
    }
  }

  /** The handle is idle from now on. */
  park(handle: Handle): void {
    this.#idle.set(handle, this.#options.clock.monotonic());
    this.#makeRoom();
  }

  /** The handle is in use from now on; false if it was not parked. */
  unpark(handle: Handle): boolean {
    return this.#idle.delete(handle);
  }

  /**
   * Starts closing a file. The outcome does not matter: whatever is in it is safe already, or is written again elsewhere.
   */
  close(handle: Handle): void {
    this.#idle.delete(handle);
    const { counters, fileSystem } = this.#options;
    const closing = fileSystem
      .close(handle.fd)
      .catch(() => {
        counters.failedAttempts += 1;
      })
      .finally(() => {
        this.#closing.delete(closing);
        this.#permits.giveBack();
      });
    this.#closing.add(closing);
  }

  /** Closes handles that have been idle for `idleMs` or longer; returns how many. */
  closeIdle(idleMs: number): number {
    const before = this.#options.clock.monotonic() - idleMs;
    const old = [...this.#idle.keys()].filter((handle) => this.#idle.peek(handle)! <= before);
    for (const handle of old) this.#leave(handle);
    return old.length;
  }

  /** Opens nothing more. */
  shut(): void {
    this.#isClosed = true;
  }

  /** Resolves when every started close is done. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Closes idle handles, the least recently used first, until a close has given each waiting caller a permit. */
  #makeRoom(): void {
    // Almost always: to begin a walk through the cache would cost more than the rest of a small batch's parking.
    if (this.#permits.waiting <= this.#closing.size) return;
    const { clock, counters, onEvicted } = this.#options;
    for (const handle of this.#idle.rkeys()) {
      if (this.#permits.waiting <= this.#closing.size) return;
      const idleMs = clock.monotonic() - this.#idle.peek(handle)!;
      this.#leave(handle);
      counters.evicted += 1;
      onEvicted(idleMs);
    }
  }

  #leave(handle: Handle): void {
    this.close(handle);
    handle.left();
  }
}
