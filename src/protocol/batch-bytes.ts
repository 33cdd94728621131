import { isUtf8 } from "node:buffer";
import { column, columns } from "./object-fields.js";
import type { SpareMemory } from "./spare-memory.js";

// Looked up once: a look-up for each text would cost as much as copying a short one.
const { copyWithin } = Uint8Array.prototype;

const lineFeed = 0x0a;
const space = 0x20;
/** Searching for a line feed takes about as long as looking at this many bytes. */
const searchBytes = 64;
/** Put between texts until they are checked. It is not a line feed, so one search finds the line feeds inside texts. */
const gap = 0x00;

/** Used while there is nothing to keep: most nodes are idle most of the time. */
const noBytes: Buffer = Buffer.alloc(0);
const noView = viewOf(noBytes);
const noFields = new Int32Array(0);

/**
 * The bytes of a batch that is arriving, followed in the same memory by the lines made of them: so a text is copied
 * without creating a view of it. In addition the table of where the fields of its objects are.
 */
export class BatchBytes {
  readonly #memory: SpareMemory;
  #bytes = noBytes;
  #view = noView;
  #end = 0;
  /** The lines begin in the middle of the memory: even with their line feeds they are shorter than the objects they come from. */
  #linesAt = 0;
  #linesEnd = 0;
  #fields: Int32Array = noFields;

  constructor(memory: SpareMemory) {
    this.#memory = memory;
  }

  /** What was received; spare memory follows `end`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Of the same bytes. */
  get view(): DataView {
    return this.#view;
  }

  get end(): number {
    return this.#end;
  }

  /** All memory that it uses, in bytes. */
  get memoryBytes(): number {
    return this.#bytes.byteLength + this.#fields.byteLength;
  }

  /** A row for each object, see `column`. */
  get fields(): Int32Array {
    return this.#fields;
  }

  /** Makes sure that there is room for more than `rows`; a new table, if needed, has room for `expectedRows`. */
  makeRow(rows: number, expectedRows: number): void {
    if (rows * columns < this.#fields.length) return;
    const grown = this.#memory.takeTable(Math.max(expectedRows, 2 * rows));
    grown.set(this.#fields);
    this.#memory.giveBackTable(this.#fields);
    this.#fields = grown;
  }

  /** Appends what was received; new memory, if needed, has room for `expectedBytes`. */
  append(piece: Uint8Array, expectedBytes: number): void {
    if (piece.length === 0) return;
    const end = this.#end + piece.length;
    if (end > this.#linesAt) this.#grow(Math.max(end, 2 * this.#end, expectedBytes));
    this.#bytes.set(piece, this.#end);
    this.#end = end;
  }

  /**
   * Appends the machine texts of the objects in the rows `from` … `to` to the lines. Each ends with a line feed, and
   * each line feed inside becomes a space. Stops before a text that is not UTF-8; returns the row after the last line.
   */
  addLines(from: number, to: number): number {
    const bytes = this.#bytes;
    const fields = this.#fields;
    const start = this.#linesEnd;
    let end = start;
    for (let row = from * columns; row < to * columns; row += columns) {
      const textStart = fields[row + column.machineStart]!;
      const textEnd = fields[row + column.machineEnd]!;
      copyWithin.call(bytes, end, textStart, textEnd);
      end += textEnd - textStart;
      bytes[end] = gap;
      end += 1;
    }
    // One check of all is much cheaper than one of each; gaps keep two broken texts from making a sound one.
    const texts = bytes.subarray(start, end);
    if (!isUtf8(texts)) return this.addLines(from, this.#firstBroken(from));

    let lookBytes = searchBytes;
    for (let at = texts.indexOf(lineFeed); at !== -1; at = texts.indexOf(lineFeed, at)) {
      // Where one is, there may be millions: a search for each would take seconds. The more there were, the further we look.
      const end = Math.min(at + lookBytes, texts.length);
      for (; at < end; at += 1) if (texts[at] === lineFeed) texts[at] = space;
      lookBytes *= 2;
    }
    let lineEnd = start;
    for (let row = from * columns; row < to * columns; row += columns) {
      lineEnd += fields[row + column.machineEnd]! - fields[row + column.machineStart]!;
      bytes[lineEnd] = lineFeed;
      lineEnd += 1;
    }
    this.#linesEnd = end;
    return to;
  }

  /** The lines. */
  get lines(): Buffer {
    return this.#bytes.subarray(this.#linesAt, this.#linesEnd);
  }

  /** Releases the memory: the bytes, the lines and the table are no longer read. */
  release(): void {
    this.#memory.giveBack(this.#bytes);
    this.#memory.giveBackTable(this.#fields);
    this.#bytes = noBytes;
    this.#view = noView;
    this.#fields = noFields;
  }

  #grow(bytes: number): void {
    const grown = this.#memory.take(2 * bytes);
    const linesAt = Math.floor(grown.length / 2);
    grown.set(this.#bytes.subarray(0, this.#end));
    grown.set(this.lines, linesAt);
    this.#memory.giveBack(this.#bytes);
    this.#linesEnd += linesAt - this.#linesAt;
    this.#linesAt = linesAt;
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }

  /** The first row from `from` on whose machine text is not UTF-8; there is one. */
  #firstBroken(from: number): number {
    for (let row = from; ; row += 1) {
      const start = this.#fields[row * columns + column.machineStart]!;
      const end = this.#fields[row * columns + column.machineEnd]!;
      if (!isUtf8(this.#bytes.subarray(start, end))) return row;
    }
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
