/** What a socket gives at once, with a torn object in front, twice: for the bytes and for the lines made of them. */
const usualBytes = 2 * (64 + 16) * 1_024;
/** What is a quarter of that, or less, is cheap to make and would waste a usual one. */
const smallBytes = usualBytes / 4;
/** Memories kept for later, 320 MiB: as many as a thousand busy nodes need, but never more than were needed at once. */
const mostSpare = 2_048;

/**
 * Memory that batches came in and that others will come in. New memory for each batch keeps the garbage collector
 * busier than all else, because it counts every byte outside its heap. Its owner has it let go now and then of what
 * is not needed any more.
 */
export class SpareMemory {
  /** The last one given back is taken first. */
  readonly #spare: Buffer[] = [];
  /** So many were never needed since `letGo`. */
  #unneeded = 0;

  /** At least `bytes`, with anything in it. */
  take(bytes: number): Buffer {
    if (bytes <= smallBytes || bytes > usualBytes) return Buffer.allocUnsafe(bytes);
    const memory = this.#spare.pop() ?? Buffer.allocUnsafe(usualBytes);
    this.#unneeded = Math.min(this.#unneeded, this.#spare.length);
    return memory;
  }

  /** Takes back what nobody looks at any more. */
  giveBack(memory: Buffer): void {
    if (memory.length === usualBytes && this.#spare.length < mostSpare) this.#spare.push(memory);
  }

  /** Lets go of what was not needed since it was called last. */
  letGo(): void {
    this.#spare.splice(0, this.#unneeded);
    this.#unneeded = this.#spare.length;
  }
}
