import { isUtf8 } from "node:buffer";
import {
  breakByte,
  headBytes,
  incomplete,
  indefinite,
  type Major,
  major,
  readHead,
  smallArgument,
  unexpected,
} from "./cbor-head.js";
import { ProtocolError } from "./faults.js";
import { ItemScanner } from "./item-scanner.js";
import type { KnownTexts } from "./known-texts.js";

/** Items of five bytes become objects of a hundred: without this limit, 64 MiB on the wire would be gigabytes here. */
const maxItems = 1_048_576;

/** V8 has no strings longer than about 512 MiB, and no peer needs a text nearly as long. */
const maxTextBytes = 64 * 1_024 * 1_024;

const largestInt64 = 2n ** 63n - 1n;

/** Reads one whole message, item by item, and refuses whatever is not the item asked for. */
export class CborReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** What is read, for errors: `a metrics answer`. */
  readonly #what: string;
  #at = 0;

  constructor(message: Uint8Array, what: string) {
    this.#bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    this.#view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    this.#what = what;
  }

  /** Reads the head of a definite array; returns its length. @throws ProtocolError if that is none of those given */
  record(length: number, or = length): number {
    const at = this.#at;
    const read = this.#head(major.array);
    if (read !== length && read !== or) throw this.#unexpectedAt(at, `an array of ${either(length, or)}`);
    return read;
  }

  /** Reads a number that may have one or two values: a message's key or a constructor's index. */
  key(key: number, or = key): number {
    const at = this.#at;
    const read = this.#head(major.uint);
    if (read !== key && read !== or) throw this.#unexpectedAt(at, `key ${either(key, or)}`);
    return read;
  }

  /** Reads a number that is an index into `choices`. */
  choice<Choice>(choices: readonly Choice[]): Choice {
    const at = this.#at;
    const index = this.#head(major.uint);
    if (index >= choices.length) throw this.#unexpectedAt(at, `key ${[...choices.keys()].join(" or ")}`);
    return choices[index]!;
  }

  /** Reads a definite map's head; returns the number of entries. */
  map(): number {
    return this.#head(major.map);
  }

  /** Reads a number from 0 to `most`, at most 2^53 - 1. */
  uint(most: number): number {
    const at = this.#at;
    const value = this.#head(major.uint);
    if (value > most) throw this.#unexpectedAt(at, `a number up to ${most}`);
    return value;
  }

  /** Reads a signed 64-bit integer: a bigint if a number would round it. */
  int64(): number | bigint {
    const at = this.#at;
    const negative = this.#first() >> 5 === major.negative;
    const rounded = this.#head(negative ? major.negative : major.uint);
    if (rounded <= Number.MAX_SAFE_INTEGER) return negative ? -1 - rounded : rounded;
    const value = this.#bytes.readBigUInt64BE(at + 1);
    if (value > largestInt64) throw this.#unexpectedAt(at, "an integer of 64 bits");
    return negative ? -1n - value : value;
  }

  bool(): boolean {
    const first = this.#first();
    if (first !== 0xf4 && first !== 0xf5) throw unexpected(this.#what, "a bool", first);
    this.#at += 1;
    return first === 0xf5;
  }

  /** Reads a definite text, which is often one of the `known`. */
  text(known?: KnownTexts): string {
    const length = this.#head(major.text);
    if (length > this.#bytes.length - this.#at) throw this.#cut();
    if (length > maxTextBytes)
      throw new ProtocolError({ code: "too-long", what: `a text in ${this.#what}`, limit: maxTextBytes });
    const from = this.#at;
    this.#at += length;
    const found = known?.find(this.#view, from, this.#at);
    if (found !== undefined) return found;
    const bytes = this.#bytes.subarray(from, this.#at);
    if (!isUtf8(bytes)) throw new ProtocolError({ code: "invalid-utf8", what: this.#what });
    return bytes.toString("utf8");
  }

  /** Reads a definite or indefinite byte string; returns a copy. */
  bytes(): Uint8Array {
    if (this.#first() !== indefinite.bytes) return Uint8Array.from(this.#take(this.#head(major.bytes)));
    this.#at += 1;
    const chunksAt = this.#at;
    let length = 0;
    for (let chunks = 0; this.#first() !== breakByte; chunks += 1) {
      if (chunks === maxItems) throw this.#unexpectedAt(this.#at, `a string of up to ${maxItems} pieces`);
      length += this.#pass(this.#head(major.bytes));
    }
    // Read twice: a list of a million chunks of one byte each would cost a hundred times their size.
    this.#at = chunksAt;
    const joined = new Uint8Array(length);
    for (let to = 0; this.#first() !== breakByte; ) {
      const from = this.#at;
      const end = from + headBytes(this.#bytes[from]!) + this.#pass(this.#head(major.bytes));
      to += this.#bytes.copy(joined, to, from + headBytes(this.#bytes[from]!), end);
    }
    this.#at += 1;
    return joined;
  }

  /** Reads a definite or indefinite list. */
  list<Item>(read: () => Item, most = maxItems): Item[] {
    const items: Item[] = [];
    this.each(() => items.push(read()), most);
    return items;
  }

  /** Reads such a list without keeping it; `read` reads one item. */
  each(read: () => void, most = maxItems): void {
    const first = this.#first();
    let items = 0;
    const readOne = () => {
      if (items === most) throw unexpected(this.#what, `a list of up to ${most}`, first);
      items += 1;
      read();
    };
    if (first === indefinite.array) {
      this.#at += 1;
      while (this.#first() !== breakByte) readOne();
      this.#at += 1;
    } else {
      for (let left = this.#head(major.array); left > 0; left -= 1) readOne();
    }
  }

  /** Reads a number that is not negative; skips any other item and returns undefined. */
  uintOrOther(): number | undefined {
    if (this.#first() >> 5 === major.uint) return this.#head(major.uint);
    const rest = this.#bytes.subarray(this.#at);
    const itemEnd = new ItemScanner({ what: this.#what, maxBytes: rest.length }).scan(rest, rest.length);
    if (itemEnd === incomplete) throw this.#cut();
    this.#at += itemEnd;
    return undefined;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  /** Checks that the message ends here. @throws ProtocolError if it continues */
  end(): void {
    if (this.#at < this.#bytes.length) throw this.#unexpectedAt(this.#at, "the end of the message");
  }

  #head(type: Major): number {
    const small = smallArgument(this.#bytes[this.#at], type);
    if (small !== undefined) {
      this.#at += 1;
      return small;
    }
    const argument = readHead(this.#bytes, this.#at, this.#bytes.length, type, this.#what);
    if (argument === incomplete) throw this.#cut();
    this.#at += headBytes(this.#bytes[this.#at]!);
    return argument;
  }

  #take(length: number): Buffer {
    const from = this.#at;
    return this.#bytes.subarray(from, from + this.#pass(length));
  }

  #pass(length: number): number {
    if (length > this.#bytes.length - this.#at) throw this.#cut();
    this.#at += length;
    return length;
  }

  #first(): number {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw this.#cut();
    return first;
  }

  #cut(): ProtocolError {
    return new ProtocolError({
      code: "malformed",
      what: this.#what,
      expected: "more bytes",
      found: "the end",
    });
  }

  #unexpectedAt(at: number, expected: string): ProtocolError {
    return unexpected(this.#what, expected, this.#bytes[at]!);
  }
}

function either(one: number, other: number): string {
  return one === other ? `${one}` : `${one} or ${other}`;
}
