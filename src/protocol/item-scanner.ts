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
 * Finds where one CBOR item of any kind ends, without recursion. Each head is read once, however the bytes arrive. An
 * item is refused as soon as its heads announce more than the limit.
 */
export class ItemScanner {
  readonly #what: string;
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  /** Where the item begins. */
  #start = 0;
  /** The item was scanned up to here; inside a string this may be beyond what was received. */
  #at = 0;
  /** Items left in the innermost open container. The item itself counts as being in one, and so does what follows a tag. */
  #left = 1;
  /** The same for the containers around it, outermost first. */
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

  /** The bytes before the item were released, so it now begins at 0. */
  moveToStart(): void {
    this.#at -= this.#start;
    this.#start = 0;
  }

  /**
   * The position after the item in `bytes`, of which those before `end` have arrived; or `incomplete`: then the next
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

  /** Skips one head, and the bytes of a string; false if part of the head is missing. */
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
    // An item has at least one byte, so a container that announces more than fits can be refused now.
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

  /** Counts an item off its container; if it was the last, the container counts off its own, and so on. */
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

/** The number of items that a definite head announces. */
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
