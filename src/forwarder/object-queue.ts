import { Change } from "./change.js";

/** Trace objects that wait to be asked for, the oldest first; encoded, or what represents them. */
export class ObjectQueue<Item = Uint8Array> {
  /** Those before `#first` are taken. */
  #objects: Item[] = [];
  #first = 0;
  #hasEnded = false;
  readonly #change = new Change();

  get length(): number {
    return this.#objects.length - this.#first;
  }

  /** Every object was taken and no more will come. */
  get isOver(): boolean {
    return this.#hasEnded && this.length === 0;
  }

  add(objects: readonly Item[]): void {
    for (const object of objects) this.#objects.push(object);
    this.#change.tell();
  }

  /** No more will come. */
  end(): void {
    this.#hasEnded = true;
    this.#change.tell();
  }

  /** Up to `count` of the oldest. */
  takeNow(count: number): Item[] {
    const taken = this.#objects.slice(this.#first, this.#first + count);
    this.#first += taken.length;
    if (this.#first * 2 >= this.#objects.length) {
      this.#objects = this.#objects.slice(this.#first);
      this.#first = 0;
    }
    if (taken.length > 0) this.#change.tell();
    return taken;
  }

  /** As `takeNow`, and waits for the first; empty if no more will come or `signal` is aborted. */
  async take(count: number, signal: AbortSignal): Promise<Item[]> {
    while (this.length === 0 && !this.#hasEnded && !signal.aborted) await this.#change.next(signal);
    return signal.aborted ? [] : this.takeNow(count);
  }

  /** Resolves when fewer than `most` wait, or `signal` is aborted. */
  async hasRoom(most: number, signal: AbortSignal): Promise<void> {
    while (this.length >= most && !signal.aborted) await this.#change.next(signal);
  }
}
