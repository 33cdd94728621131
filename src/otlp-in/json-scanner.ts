import { TooManyParts } from "./schema.js";

/** The position of a value in a text, in bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Most values within one that is parsed at a time. */
const maxValues = 50_000;
/** Deepest nesting of lists and objects; values nested as deep as allowed need half of it. */
const maxDepth = 256;
/** Bytes scanned before a pause. */
const stepBytes = 65_536;

const [quote, backslash, comma, colon, listBegin, listEnd, objectBegin, objectEnd] = Buffer.from(
  '"\\,:[]{}',
) as unknown as readonly [number, number, number, number, number, number, number, number];

/**
 * Walks through the outer lists and objects of a JSON text and finds their contents without parsing them: a text may have megabytes, and
 * is parsed piece by piece. Each step of a generator is a point to pause. All throw SyntaxError for invalid JSON, TypeError for another
 * shape, and TooManyParts for a value that contains too many others.
 */
export class JsonScanner {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads an object: calls `field` before the value of each field, which it must read. */
  *object(field: (name: string) => Generator<undefined, void>): Generator<undefined, void> {
    if (!this.#takes(objectBegin)) throw new TypeError("object expected");
    if (this.#takes(objectEnd)) return;
    do {
      if (this.#next() !== quote) throw this.#unexpected();
      const name = this.parsed(yield* this.value()) as string;
      if (!this.#takes(colon)) throw this.#unexpected();
      yield* field(name);
    } while (this.#takes(comma));
    if (!this.#takes(objectEnd)) throw this.#unexpected();
  }

  /** Reads a list, or null as an empty one: calls `item` before each item, which it must read. */
  *list(item: () => Generator<undefined, void>): Generator<undefined, void> {
    if (!this.#takes(listBegin)) {
      if (this.parsed(yield* this.value()) !== null) throw new TypeError("array expected");
      return;
    }
    if (this.#takes(listEnd)) return;
    do yield* item();
    while (this.#takes(comma));
    if (!this.#takes(listEnd)) throw this.#unexpected();
  }

  /** Reads any value. */
  *value(): Generator<undefined, Range> {
    this.#next();
    const start = this.#at;
    let depth = 0;
    let values = 1;
    let isText = false;
    for (let pauseAt = start + stepBytes; ; ) {
      if (this.#at >= this.#bytes.length) throw new SyntaxError("the JSON is cut off");
      if (this.#at >= pauseAt) {
        yield;
        pauseAt += stepBytes;
      }
      const byte = this.#bytes[this.#at]!;
      this.#at += 1;
      if (isText) {
        if (byte === backslash) this.#at += 1;
        else if (byte === quote) {
          isText = false;
          if (depth === 0) break;
        }
      } else if (byte === quote) isText = true;
      else if (byte === listBegin || byte === objectBegin) {
        depth += 1;
        values += 1;
        if (depth > maxDepth) throw new SyntaxError(`values are nested deeper than ${maxDepth} in JSON`);
      } else if (byte === listEnd || byte === objectEnd) {
        depth -= 1;
        if (depth === 0) break;
        if (depth < 0) {
          // The end of a number or word within an outer list or object.
          this.#at -= 1;
          break;
        }
      } else if (byte === comma) {
        if (depth === 0) {
          this.#at -= 1;
          break;
        }
        values += 1;
      }
      if (values > maxValues)
        throw new TooManyParts(`a record, metric or resource has more than ${maxValues} values`);
    }
    return { start, end: this.#at };
  }

  /** Checks that only white space is left. */
  end(): void {
    if (this.#next() !== undefined) throw this.#unexpected();
  }

  parsed({ start, end }: Range): unknown {
    return JSON.parse(this.#bytes.toString("utf8", start, end));
  }

  /** The next byte that is not white space, without consuming it. */
  #next(): number | undefined {
    let byte = this.#bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      this.#at += 1;
      byte = this.#bytes[this.#at];
    }
    return byte;
  }

  #takes(wanted: number): boolean {
    if (this.#next() !== wanted) return false;
    this.#at += 1;
    return true;
  }

  #unexpected(): SyntaxError {
    if (this.#at >= this.#bytes.length) return new SyntaxError("the JSON is cut off");
    return new SyntaxError(`this is not JSON at byte ${this.#at}`);
  }
}
