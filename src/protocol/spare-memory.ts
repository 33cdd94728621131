/** What a socket gives at once, at most, with an object in front that was torn before. */
export const mostAtOnceBytes = (256 + 16) * 1_024;
/** Sizes that are kept: for a reply or two, and for the most; each for the bytes and as many again for the lines made of them. */
const keptSizes = [160 * 1_024, 2 * mostAtOnceBytes];
/** So little is cheap to make and would waste what is kept. */
const smallBytes = 40 * 1_024;
/** Kept of each size: as much as a thousand busy nodes need, but never more than was needed at once. */
const mostSpareBytes = 320 * 1_024 * 1_024;

/**
 * Memory that batches came in and that others will come in. New memory for each batch keeps the garbage collector
 * busier than all else, because it counts every byte outside its heap. Its owner has it let go now and then of what
 * is not needed any more.
 */
export class SpareMemory {
  readonly #shelves = keptSizes.map((bytes) => new Shelf(bytes));

  /** At least `bytes`, with anything in it. */
  take(bytes: number): Buffer {
    if (bytes <= smallBytes) return Buffer.allocUnsafe(bytes);
    return this.#shelves.find((shelf) => bytes <= shelf.bytes)?.take() ?? Buffer.allocUnsafe(bytes);
  }

  /** Takes back what nobody looks at any more. */
  giveBack(memory: Buffer): void {
    this.#shelves.find(({ bytes }) => bytes === memory.length)?.giveBack(memory);
  }

  /** Lets go of what was not needed since it was called last. */
  letGo(): void {
    for (const shelf of this.#shelves) shelf.letGo();
  }
}

/** Spare memory of one size. */
class Shelf {
  readonly bytes: number;
  /** The last one given back is taken first: it may be in the processor's caches still. */
  readonly #spare: Buffer[] = [];
  /** So many were never needed since `letGo`. */
  #unneeded = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  take(): Buffer {
    const memory = this.#spare.pop() ?? Buffer.allocUnsafe(this.bytes);
    this.#unneeded = Math.min(this.#unneeded, this.#spare.length);
    return memory;
  }

  giveBack(memory: Buffer): void {
    if (this.#spare.length < Math.floor(mostSpareBytes / this.bytes)) this.#spare.push(memory);
  }

  letGo(): void {
    this.#spare.splice(0, this.#unneeded);
    this.#unneeded = this.#spare.length;
  }
}
