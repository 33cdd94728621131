import { untilAborted } from "../sinks/nats/link.js";

/** Memory that something may take, of all readers together. Who sees that it is taken waits; nothing is refused. */
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

  /** So much more is taken; a negative number gives back. */
  add(deltaBytes: number): void {
    this.#bytes += deltaBytes;
    if (this.#bytes >= this.#mostBytes) return;
    this.#waiting?.release();
    this.#waiting = undefined;
  }

  /** Takes so much when there is room; resolves with what gives it back, or undefined if `signal` ends the wait. */
  async enter(bytes: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    for (let room = this.room(); room !== undefined; room = this.room()) {
      await untilAborted(signal, room);
      if (signal.aborted) return undefined;
    }
    this.add(bytes);
    return () => this.add(-bytes);
  }

  /** Resolves when there may be room, to be asked again; undefined: there is room now. */
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
