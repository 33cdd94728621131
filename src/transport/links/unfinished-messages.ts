/** Memory for messages that have begun and not ended, of all WebSockets together. */
const maxBytes = 32 * 1_024 * 1_024;
/** What the library holds of a chunk beside its bytes. */
const chunkBytes = 256;
/** As much as a ping or a pong that comes by itself; both may also stand between the pieces of a message. */
const signBytes = 1_024;

/** One whose peer sends a message. */
export interface Receiving {
  /** Unfinished messages take too much, and this one's is the largest: it has to go. */
  giveWay(): void;
}

/** The memory of messages that are not whole yet: a peer may begin one, and never end it. */
export class UnfinishedMessages {
  readonly #maxBytes: number;
  readonly #held = new Map<Receiving, number>();
  #bytes = 0;

  constructor(options = { maxBytes }) {
    this.#maxBytes = options.maxBytes;
  }

  /** So many bytes more have come. */
  grow(receiving: Receiving, bytes: number): void {
    const grown = bytes + chunkBytes;
    this.#held.set(receiving, (this.#held.get(receiving) ?? 0) + grown);
    this.#bytes += grown;
    if (this.#bytes > this.#maxBytes) this.#largest()?.giveWay();
  }

  /** A ping or a pong has come. */
  sign(receiving: Receiving): void {
    if ((this.#held.get(receiving) ?? 0) <= signBytes) this.end(receiving);
  }

  /** A message is whole, or the connection has ended. */
  end(receiving: Receiving): void {
    this.#bytes -= this.#held.get(receiving) ?? 0;
    this.#held.delete(receiving);
  }

  #largest(): Receiving | undefined {
    let largest: Receiving | undefined;
    let most = 0;
    for (const [receiving, bytes] of this.#held) {
      if (bytes <= most) continue;
      most = bytes;
      largest = receiving;
    }
    return largest;
  }
}

/** There is one memory, so all WebSockets share it. */
export const unfinishedMessages = new UnfinishedMessages();
