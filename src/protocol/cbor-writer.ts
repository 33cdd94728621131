import { breakByte, indefinite, type Major, major } from "./cbor-head.js";

const usualBytes = 128;

/** Builds one message as Haskell's `serialise` writes it: shortest heads, non-empty lists indefinite. */
export class CborWriter {
  #bytes: Buffer;
  #length = 0;

  /** `bytes`: the length, as far as it is known, because growing means copying. */
  constructor(bytes = usualBytes) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  array(items: number): this {
    return this.#head(major.array, items);
  }

  map(entries: number): this {
    return this.#head(major.map, entries);
  }

  tag(number: number): this {
    return this.#head(major.tag, number);
  }

  bool(value: boolean): this {
    return this.#byte(value ? 0xf5 : 0xf4);
  }

  /** Any 64-bit integer, down to -2^64 if negative. */
  int(value: number | bigint): this {
    if (value >= 0) return this.#head(major.uint, value);
    return this.#head(major.negative, typeof value === "bigint" ? -1n - value : -1 - value);
  }

  text(value: string): this {
    const length = Buffer.byteLength(value);
    this.#head(major.text, length).#reserve(length);
    this.#bytes.write(value, this.#length, "utf8");
    this.#length += length;
    return this;
  }

  /** Haskell's lazy bytes: an indefinite byte string of one definite chunk, or of none. */
  lazyBytes(value: Uint8Array): this {
    this.#byte(indefinite.bytes);
    if (value.length > 0) this.#head(major.bytes, value.length).encoded(value);
    return this.#byte(breakByte);
  }

  /** An item that is encoded already. */
  encoded(item: Uint8Array): this {
    this.#reserve(item.length);
    this.#bytes.set(item, this.#length);
    this.#length += item.length;
    return this;
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    if (items.length === 0) return this.array(0);
    this.#byte(indefinite.array);
    for (const item of items) write(item);
    return this.#byte(breakByte);
  }

  /** The bytes written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #head(type: Major, argument: number | bigint): this {
    const first = type << 5;
    this.#reserve(9);
    if (argument < 24) return this.#byte(first | Number(argument));
    if (argument < 0x100) {
      this.#byte(first | 24);
      this.#length = this.#bytes.writeUInt8(Number(argument), this.#length);
    } else if (argument < 0x1_0000) {
      this.#byte(first | 25);
      this.#length = this.#bytes.writeUInt16BE(Number(argument), this.#length);
    } else if (argument < 0x1_0000_0000) {
      this.#byte(first | 26);
      this.#length = this.#bytes.writeUInt32BE(Number(argument), this.#length);
    } else {
      this.#byte(first | 27);
      this.#length = this.#bytes.writeBigUInt64BE(BigInt(argument), this.#length);
    }
    return this;
  }

  #byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
