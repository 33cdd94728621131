import {
  breakByte,
  headBytes,
  incomplete,
  indefinite,
  type Major,
  major,
  readHead,
  unexpected,
} from "./cbor-head.js";
import { ProtocolError } from "./faults.js";

/** Deepest nesting of any message: reply, list, pair, value and then some. */
const usualMaxDepth = 16;

/** Stands for the items left in an array, map or string without a length. */
const untilBreak = -1;

export interface ItemLimits {
  /** What the item is, for errors: `a metrics answer`. */
  readonly what: string;
  readonly maxBytes: number;
  readonly maxDepth?: number;
}

/**
 * Finds where one CBOR item of any kind ends. Without recursion, and looking at each head once, however the bytes
 * arrive; what must become longer than the limit is refused as soon as it says so.
 */
export class ItemScanner {
  readonly #what: string;
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  /** Where the item begins. */
  #start = 0;
  /** Up to here the item was scanned; inside a string this may be beyond what was received. */
  #at = 0;
  /** Items left in the innermost container that is open; the item itself is in one of its own. A tag has one, too. */
  #left = 1;
  /** The same of those around it, outermost first. */
  readonly #around: number[] = [];

  constructor(limits: ItemLimits) {
    this.#what = limits.what;
    this.#maxBytes = limits.maxBytes;
    this.#maxDepth = limits.maxDepth ?? usualMaxDepth;
  }

  /** The next call of `scan` reads another item, which begins at `start`. */
  begin(start = 0): void {
    this.#start = start;
    this.#at = start;
    this.#left = 1;
    this.#around.length = 0;
  }

  /** The bytes before the item were released: it begins at 0 now. */
  moveToStart(): void {
    this.#at -= this.#start;
    this.#start = 0;
  }

  /**
   * The position after the item in `bytes`, of which those before `end` have come; or `incomplete`, and then the next
   * call continues with the same bytes and more.
   * @throws ProtocolError with code `too-long`, `too-deep` or `malformed`
   */
  scan(bytes: Uint8Array, end: number): number {
    while (this.#left !== 0 && this.#at < end) {
      if (!this.#passOne(bytes, end)) break;
      if (this.#at - this.#start > this.#maxBytes) throw this.#tooLong();
    }
    if (this.#left === 0 && this.#at <= end) return this.#at;
    if (end - this.#start > this.#maxBytes) throw this.#tooLong();
    return incomplete;
  }

  /** Passes over one head and, of a string, its bytes; false if the head is not all there. */
  #passOne(bytes: Uint8Array, end: number): boolean {
    const first = bytes[this.#at]!;
    if (first === breakByte) {
      if (this.#left !== untilBreak) throw unexpected(this.#what, "an item", first);
      this.#at += 1;
      this.#left = 1;
      this.#endItem();
      return true;
    }
    if (isIndefinite(first)) {
      this.#begin(untilBreak);
      this.#at += 1;
      return true;
    }
    const type = (first >> 5) as Major;
    const argument = readHead(bytes, this.#at, end, type, this.#what);
    if (argument === incomplete) return false;
    this.#at += headBytes(first);
    const stringBytes = type === major.bytes || type === major.text ? argument : 0;
    const items = itemsIn(type, argument);
    // An item has at least one byte, so what announces more than fits can be refused now.
    if (this.#at - this.#start + stringBytes + items > this.#maxBytes) throw this.#tooLong();
    this.#at += stringBytes;
    if (items > 0) this.#begin(items);
    else this.#endItem();
    return true;
  }

  #begin(items: number): void {
    if (this.#around.length === this.#maxDepth) {
      throw new ProtocolError({ code: "too-deep", what: this.#what, limit: this.#maxDepth });
    }
    this.#around.push(this.#left);
    this.#left = items;
  }

  /** Counts an item off its container, and that off its own where it was the last. */
  #endItem(): void {
    for (;;) {
      if (this.#left !== untilBreak) this.#left -= 1;
      if (this.#left !== 0 || this.#around.length === 0) return;
      this.#left = this.#around.pop()!;
    }
  }

  #tooLong(): ProtocolError {
    return new ProtocolError({ code: "too-long", what: this.#what, limit: this.#maxBytes });
  }
}

/** Items that a definite head says follow inside. */
function itemsIn(type: Major, argument: number): number {
  if (type === major.array) return argument;
  if (type === major.map) return 2 * argument;
  return type === major.tag ? 1 : 0;
}

function isIndefinite(first: number): boolean {
  return (
    first === indefinite.array ||
    first === indefinite.map ||
    first === indefinite.bytes ||
    first === indefinite.text
  );
}
