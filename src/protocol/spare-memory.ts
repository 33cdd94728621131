import { columns } from "./object-fields.js";

/** Most that a socket gives at once, after an object that was cut by the last read. */
export const mostAtOnceBytes = (256 + 16) * 1_024;
/** Sizes that are kept: for a reply or two, and for the most; each has room for the bytes and as much again for the lines made of them. */
const keptSizes = [160 * 1_024, 2 * mostAtOnceBytes];
/** This little is cheap to allocate, and would waste memory that is kept. */
const smallBytes = 40 * 1_024;
/** As many objects of usual length as fit, and some more. */
export const mostAtOnceRows = 1_024;
/** Rows of the tables that are kept. */
const keptRows = [32, 256, mostAtOnceRows];
/** Most that is kept of each size: as much as a thousand busy nodes need, but never more than was needed at once. */
const mostSpareBytes = 320 * 1_024 * 1_024;

/**
 * Memory of batches and their tables, kept to be used again. New memory for each batch would keep the garbage collector
 * busier than anything else, because it counts every byte outside its heap. The owner calls `releaseUnused` now and
 * then.
 */
export class SpareMemory {
  readonly #bytes = new Shelves<Buffer>(keptSizes, (bytes) => Buffer.allocUnsafe(bytes));
  readonly #tables = new Shelves<Int32Array>(
    keptRows.map((rows) => rows * columns),
    (numbers) => new Int32Array(numbers),
  );

  /** At least `bytes`, with undefined content. */
  take(bytes: number): Buffer {
    return bytes <= smallBytes ? Buffer.allocUnsafe(bytes) : this.#bytes.take(bytes);
  }

  /** Takes back bytes that are no longer read. */
  giveBack(memory: Buffer): void {
    this.#bytes.giveBack(memory);
  }

  /** A table of at least `rows` whole rows, with undefined content; see `column`. */
  takeTable(rows: number): Int32Array {
    return this.#tables.take(rows * columns);
  }

  /** Takes back a table that is no longer read. */
  giveBackTable(table: Int32Array): void {
    this.#tables.giveBack(table);
  }

  /** Releases what has not been needed since the last call. */
  releaseUnused(): void {
    this.#bytes.releaseUnused();
    this.#tables.releaseUnused();
  }
}

/** Spare memory of one kind, in a few sizes. */
class Shelves<Memory extends Buffer | Int32Array> {
  readonly #shelves: readonly Shelf<Memory>[];
  readonly #make: (length: number) => Memory;

  /** `lengths` are ascending. */
  constructor(lengths: readonly number[], make: (length: number) => Memory) {
    this.#shelves = lengths.map((length) => new Shelf(length));
    this.#make = make;
  }

  take(least: number): Memory {
    const shelf = this.#shelves.find(({ length }) => least <= length);
    return shelf?.take() ?? this.#make(shelf?.length ?? least);
  }

  giveBack(memory: Memory): void {
    this.#shelves.find(({ length }) => length === memory.length)?.giveBack(memory);
  }

  releaseUnused(): void {
    for (const shelf of this.#shelves) shelf.releaseUnused();
  }
}

/** Spare memory of one length. */
class Shelf<Memory extends Buffer | Int32Array> {
  readonly length: number;
  /** The last one given back is taken first: it may still be in the processor's caches. */
  readonly #spare: Memory[] = [];
  /** This many were not needed since the last `releaseUnused`. */
  #unneeded = 0;

  constructor(length: number) {
    this.length = length;
  }

  take(): Memory | undefined {
    const memory = this.#spare.pop();
    this.#unneeded = Math.min(this.#unneeded, this.#spare.length);
    return memory;
  }

  giveBack(memory: Memory): void {
    if (this.#spare.length < Math.floor(mostSpareBytes / memory.byteLength)) this.#spare.push(memory);
  }

  releaseUnused(): void {
    this.#spare.splice(0, this.#unneeded);
    this.#unneeded = this.#spare.length;
  }
}
