import type { Message, MessageEncoder } from "../../protocol/message-encoder.js";

/** A block of memory with encoded messages back to back, oldest first; the oldest can be removed. */
export class MessageSlab {
  readonly #bytes: Buffer;
  /** Where each message ends, and how many characters its texts have. */
  readonly #ends: number[] = [];
  readonly #characters: number[] = [];
  #removed = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** Messages that have not been removed. */
  get length(): number {
    return this.#ends.length - this.#removed;
  }

  get room(): number {
    return this.#bytes.length - this.#endOf(this.#ends.length);
  }

  /** The caller has checked that there is room. */
  add(message: Message, characters: number, encoder: MessageEncoder): void {
    this.#ends.push(encoder.encodeInto(this.#bytes, this.#endOf(this.#ends.length), message));
    this.#characters.push(characters);
  }

  /** Removes the oldest message; returns its characters. */
  dropOldest(): number {
    this.#removed += 1;
    return this.#characters[this.#removed - 1]!;
  }

  /** Moves up to `count` of the oldest messages to `taken`; returns their characters. */
  take(count: number, taken: Uint8Array[]): number {
    let characters = 0;
    for (
      let last = Math.min(this.#removed + count, this.#ends.length);
      this.#removed < last;
      this.#removed += 1
    ) {
      taken.push(this.#bytes.subarray(this.#endOf(this.#removed), this.#ends[this.#removed]));
      characters += this.#characters[this.#removed]!;
    }
    return characters;
  }

  /** Where this many messages end. */
  #endOf(messages: number): number {
    return messages === 0 ? 0 : this.#ends[messages - 1]!;
  }
}
