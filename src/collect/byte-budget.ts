import { untilAborted } from "../sinks/nats/link.js";

/** A memory limit for all readers together. If it is used up, readers wait; nothing is refused. */
export class ByteBudget {
  readonly #mostBytes: number;
  #bytes = 0;
  #waiting: { readonly room: Promise<void>; readonly release: () => void } | undefined;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes this much more; a negative number releases. */
  add(deltaBytes: number): void {
    this.#bytes += deltaBytes;
    if (this.#bytes >= this.#mostBytes) return;
    this.#waiting?.release();
    this.#waiting = undefined;
  }

  /** Takes this much when there is room; resolves with a function that releases it, or undefined if `signal` ends the wait. */
  async enter(bytes: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    for (let room = this.room(); room !== undefined; room = this.room()) {
      await untilAborted(signal, room);
      if (signal.aborted) return undefined;
    }
    this.add(bytes);
    return () => this.add(-bytes);
  }

  /** Resolves when there may be room, which must be checked again; undefined: there is room now. */
  room(): Promise<void> | undefined {
    if (this.#bytes < this.#mostBytes) return undefined;
    if (this.#waiting === undefined) {
      let release!: () => void;
      const room = new Promise<void>((resolve) => {
        release = resolve;
      });
      this.#waiting = { room, release };
    }
    return this.#waiting.room;
  }
}
