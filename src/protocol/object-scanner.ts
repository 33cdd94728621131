import {
  breakByte,
  headBytes,
  incomplete,
  indefinite,
  type Major,
  major,
  passHead,
  readHead,
  unexpected,
} from "./cbor-head.js";
import { ProtocolError } from "./faults.js";
import { absent, column } from "./object-fields.js";
import { isSoundText } from "./sound-text.js";
import { timeEnd } from "./trace-time.js";

const what = "a trace object";
const fieldsOfObject = 9;
/** The head and the constructor's index come before the fields. */
const steps = fieldsOfObject + 2;

const noBytes = new Uint8Array(0);

/** In place of the number of segments left, for a namespace that ends with a break. */
const untilBreak = -1;

/**
 * Finds where the fields of a trace object are, in the grammar
 * `[0, Maybe text, text, [text, …], [severity], [details], time, text, text]`. If bytes are missing it stops, and
 * continues from there when more have arrived: each field is read once, however an object is cut.
 */
export class ObjectScanner {
  readonly #maxBytes: number;
  #bytes: Uint8Array = noBytes;
  /** Bytes before this position have arrived. */
  #end = 0;
  #start = 0;
  #at = 0;
  #step = 0;
  #segmentsLeft = 0;
  /** Set by `#string`. */
  #textStart = 0;

  constructor(options: { maxObjectBytes: number }) {
    this.#maxBytes = options.maxObjectBytes;
  }

  /** Starts with the object at `start`, and releases the bytes of the last one. */
  begin(start: number): void {
    this.#bytes = noBytes;
    this.#start = start;
    this.#at = start;
    this.#step = 0;
  }

  /** Whether it has read part of an object whose other bytes have not arrived. */
  get hasBegun(): boolean {
    return this.#step > 0;
  }

  /**
   * Fills the row at `row` of `fields`; only the bytes before `end` have arrived. Returns the position after the object,
   * or `incomplete`.
   * @throws ProtocolError for whatever real acceptors refuse, and for an object that is, or will be, too long
   */
  scan(bytes: Uint8Array, end: number, fields: Int32Array, row: number): number {
    this.#bytes = bytes;
    this.#end = end;
    for (; this.#step < steps; this.#step += 1) {
      const at = this.#scanStep(fields, row);
      if (at === incomplete) {
        if (end - this.#start > this.#maxBytes) throw this.#tooLong();
        return incomplete;
      }
      this.#at = at;
    }
    if (this.#at - this.#start > this.#maxBytes) throw this.#tooLong();
    fields[row + column.objectStart] = this.#start;
    fields[row + column.objectEnd] = this.#at;
    return this.#at;
  }

  #scanStep(fields: Int32Array, row: number): number {
    const at = this.#at;
    switch (this.#step) {
      case 0:
        return this.#head(at, major.array, fieldsOfObject);
      case 1:
        return this.#head(at, major.uint, 0);
      case 2:
        return this.#human(at, fields, row);
      case 3: {
        // Machine texts are most of the bytes; the caller that gathers them checks many together.
        const textEnd = this.#string(at, major.text);
        fields[row + column.machineStart] = this.#textStart;
        fields[row + column.machineEnd] = textEnd;
        return textEnd;
      }
      case 4:
        fields[row + column.namespaceStart] = at;
        return this.#listHead(at);
      case 5:
        return this.#segments();
      case 6:
        return this.#constructorIndex(at, 7, fields, row + column.severity);
      case 7:
        return this.#constructorIndex(at, 3, fields, row + column.details);
      case 8:
        fields[row + column.timeStart] = at;
        return this.#bounded(timeEnd(this.#bytes, at, this.#end));
      case 9: {
        // Real acceptors accept a host given as bytes, too.
        const isBytes = at < this.#end && this.#bytes[at]! >> 5 === major.bytes;
        const textEnd = isBytes ? this.#string(at, major.bytes) : this.#text(at);
        fields[row + column.hostStart] = this.#textStart;
        fields[row + column.hostEnd] = textEnd;
        return textEnd;
      }
      default: {
        const textEnd = this.#text(at);
        fields[row + column.threadStart] = this.#textStart;
        fields[row + column.threadEnd] = textEnd;
        return textEnd;
      }
    }
  }

  /** Returns the position after a head that must have this argument. */
  #head(at: number, type: Major, argument: number): number {
    return passHead(this.#bytes, at, this.#end, type, argument, what);
  }

  /** Like `#string`, but checks the text. */
  #text(at: number): number {
    const textEnd = this.#string(at, major.text);
    if (textEnd === incomplete) return incomplete;
    if (isSoundText(this.#bytes, this.#textStart, textEnd)) return textEnd;
    throw new ProtocolError({ code: "invalid-utf8", what });
  }

  /** Returns the position after a definite string and sets `#textStart`. */
  #string(at: number, type: Major): number {
    const length = readHead(this.#bytes, at, this.#end, type, what);
    if (length === incomplete) return incomplete;
    this.#textStart = at + headBytes(this.#bytes[at]!);
    return this.#bounded(this.#textStart + length);
  }

  /** Refuses a string that will be too long before it has arrived. */
  #bounded(itemEnd: number): number {
    if (itemEnd - this.#start > this.#maxBytes) throw this.#tooLong();
    return itemEnd > this.#end ? incomplete : itemEnd;
  }

  #human(at: number, fields: Int32Array, row: number): number {
    const count = readHead(this.#bytes, at, this.#end, major.array, what);
    if (count === incomplete) return incomplete;
    if (count > 1) throw unexpected(what, "an array of none or one text", this.#bytes[at]!);
    const textAt = at + headBytes(this.#bytes[at]!);
    if (count === 0) {
      fields[row + column.humanStart] = absent;
      return textAt;
    }
    const textEnd = this.#text(textAt);
    fields[row + column.humanStart] = this.#textStart;
    fields[row + column.humanEnd] = textEnd;
    return textEnd;
  }

  #listHead(at: number): number {
    if (at < this.#end && this.#bytes[at] === indefinite.array) {
      this.#segmentsLeft = untilBreak;
      return at + 1;
    }
    const count = readHead(this.#bytes, at, this.#end, major.array, what);
    if (count === incomplete) return incomplete;
    // A segment has at least one byte.
    if (count > this.#maxBytes) throw this.#tooLong();
    this.#segmentsLeft = count;
    return at + headBytes(this.#bytes[at]!);
  }

  #segments(): number {
    while (this.#segmentsLeft !== 0) {
      if (this.#at >= this.#end) return incomplete;
      if (this.#segmentsLeft === untilBreak && this.#bytes[this.#at] === breakByte) return this.#at + 1;
      const segmentEnd = this.#text(this.#at);
      if (segmentEnd === incomplete) return incomplete;
      this.#at = segmentEnd;
      if (this.#segmentsLeft !== untilBreak) this.#segmentsLeft -= 1;
    }
    return this.#at;
  }

  /** A constructor without fields: `[index]`. */
  #constructorIndex(at: number, mostIndex: number, fields: Int32Array, cell: number): number {
    const indexAt = this.#head(at, major.array, 1);
    if (indexAt === incomplete) return incomplete;
    const index = readHead(this.#bytes, indexAt, this.#end, major.uint, what);
    if (index === incomplete) return incomplete;
    if (index > mostIndex) throw unexpected(what, `a constructor up to ${mostIndex}`, this.#bytes[indexAt]!);
    fields[cell] = index;
    return indexAt + headBytes(this.#bytes[indexAt]!);
  }

  #tooLong(): ProtocolError {
    return new ProtocolError({ code: "too-long", what, limit: this.#maxBytes });
  }
}
