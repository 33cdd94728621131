import type { Message, MessageEncoder } from "../../protocol/message-encoder.js";

/** Encoded messages back to back, in the order they came, and how many of the oldest are gone. */
export class MessageSlab {
  readonly #bytes: Buffer;
  /** Where each message ends, and how many characters its texts have. */
  readonly #ends: number[] = [];
  readonly #characters: number[] = [];
  #gone = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** Messages in it. */
  get length(): number {
    return this.#ends.length - this.#gone;
  }

  get room(): number {
    return this.#bytes.length - this.#endOf(this.#ends.length);
  }

  /** There is room for it. */
  add(message: Message, characters: number, encoder: MessageEncoder): void {
    this.#ends.push(encoder.encodeInto(this.#bytes, this.#endOf(this.#ends.length), message));
    this.#characters.push(characters);
  }

  /** Characters of the oldest message, which is gone then. */
  dropOldest(): number {
    this.#gone += 1;
    return this.#characters[this.#gone - 1]!;
  }

  /** Adds up to `count` of the oldest to `taken`, which are gone then; returns their characters. */
  take(count: number, taken: Uint8Array[]): number {
    let characters = 0;
    for (let last = Math.min(this.#gone + count, this.#ends.length); this.#gone < last; this.#gone += 1) {
      taken.push(this.#bytes.subarray(this.#endOf(this.#gone), this.#ends[this.#gone]));
      characters += this.#characters[this.#gone]!;
    }
    return characters;
  }

  /** Where this many messages end. */
  #endOf(messages: number): number {
    return messages === 0 ? 0 : this.#ends[messages - 1]!;
  }
}
