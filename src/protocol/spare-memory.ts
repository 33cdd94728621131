/** What a socket gives at once, with a torn object in front, twice: for the bytes and for the lines made of them. */
const usualBytes = 2 * (64 + 16) * 1_024;
/** What is a quarter of that, or less, is cheap to make and would waste a usual one. */
const smallBytes = usualBytes / 4;
/** Memories kept for later, 10 MiB. */
const mostSpare = 64;

/**
 * Memory that batches came in and that others will come in. New memory for each batch keeps the garbage collector
 * busier than all else, because it counts every byte outside its heap.
 */
export class SpareMemory {
  readonly #spare: Buffer[] = [];

  /** At least `bytes`, with anything in it. */
  take(bytes: number): Buffer {
    if (bytes <= smallBytes || bytes > usualBytes) return Buffer.allocUnsafe(bytes);
    return this.#spare.pop() ?? Buffer.allocUnsafe(usualBytes);
  }

  /** Takes back what nobody looks at any more. */
  giveBack(memory: Buffer): void {
    if (memory.length === usualBytes && this.#spare.length < mostSpare) this.#spare.push(memory);
  }
}
