import { Change } from "./change.js";

/** Queued trace objects, the oldest first: encoded, or what represents them. */
export class ObjectQueue<Item = Uint8Array> {
  /** Those before `#first` have been taken. */
  #objects: Item[] = [];
  #first = 0;
  #hasEnded = false;
  readonly #change = new Change();

  get length(): number {
    return this.#objects.length - this.#first;
  }

  /** All objects have been taken and no more will be added. */
  get isOver(): boolean {
    return this.#hasEnded && this.length === 0;
  }

  add(objects: readonly Item[]): void {
    for (const object of objects) this.#objects.push(object);
    this.#change.notify();
  }

  /** No more objects will be added. */
  end(): void {
    this.#hasEnded = true;
    this.#change.notify();
  }

  /** Takes up to `count` of the oldest objects. */
  takeNow(count: number): Item[] {
    const taken = this.#objects.slice(this.#first, this.#first + count);
    this.#first += taken.length;
    if (this.#first * 2 >= this.#objects.length) {
      this.#objects = this.#objects.slice(this.#first);
      this.#first = 0;
    }
    if (taken.length > 0) this.#change.notify();
    return taken;
  }

  /** Like `takeNow`, but waits for the first object; empty if no more will be added or `signal` is aborted. */
  async take(count: number, signal: AbortSignal): Promise<Item[]> {
    while (this.length === 0 && !this.#hasEnded && !signal.aborted) await this.#change.next(signal);
    return signal.aborted ? [] : this.takeNow(count);
  }

  /** Resolves when fewer than `most` objects are queued, or `signal` is aborted. */
  async hasRoom(most: number, signal: AbortSignal): Promise<void> {
    while (this.length >= most && !signal.aborted) await this.#change.next(signal);
  }
}
