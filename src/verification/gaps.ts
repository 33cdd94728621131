import { KeyIndex } from "./key-index.js";

/** A skipped object, and the line before which it should be. */
export interface Gap {
  readonly index: number;
  readonly key: number;
  readonly at: { readonly file: string; readonly line: number };
}

/** Objects that were skipped and may still be found. */
export class Gaps {
  readonly #byKey = new KeyIndex();
  /** Ascending by index; those before `#start`, and those no longer in `#open`, are closed. */
  #queue: Gap[] = [];
  #start = 0;
  readonly #open = new Set<number>();

  get size(): number {
    return this.#open.size;
  }

  /** Index of the oldest; infinite if there is none. */
  get oldest(): number {
    this.#passClosed();
    return this.#queue[this.#start]?.index ?? Number.POSITIVE_INFINITY;
  }

  /** Gaps must be added in ascending order. */
  add(gap: Gap): void {
    this.#queue.push(gap);
    this.#open.add(gap.index);
    this.#byKey.add(gap.key, gap.index);
  }

  has(key: number): boolean {
    return this.#byKey.first(key) !== undefined;
  }

  /** Closes the oldest gap with a key that has one, and returns its index. */
  close(key: number): number {
    const index = this.#byKey.first(key)!;
    this.#byKey.removeFirst(key);
    this.#open.delete(index);
    return index;
  }

  /** Removes the gaps below an index, oldest first. */
  *giveUp(below: number): Generator<Gap> {
    while (this.oldest < below) {
      const gap = this.#queue[this.#start]!;
      this.close(gap.key);
      yield gap;
    }
  }

  #passClosed(): void {
    while (this.#start < this.#queue.length && !this.#open.has(this.#queue[this.#start]!.index))
      this.#start += 1;
    if (this.#start * 2 <= this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#start);
    this.#start = 0;
  }
}
