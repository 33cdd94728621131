/** Remembers the last keys that were found. Adding is one write to an array; an index is built only when it is needed. */
export class RecentKeys {
  readonly #ring: Float64Array;
  #added = 0;
  #index: Map<number, number> | undefined;
  #addedAtLastQuestion = 0;

  constructor(capacity: number) {
    this.#ring = new Float64Array(capacity);
  }

  add(key: number): void {
    const slot = this.#added % this.#ring.length;
    if (this.#index !== undefined) this.#reindex(slot, key);
    this.#ring[slot] = key;
    this.#added += 1;
  }

  has(key: number): boolean {
    this.#addedAtLastQuestion = this.#added;
    if (this.#index === undefined) {
      this.#index = new Map();
      const held = Math.min(this.#added, this.#ring.length);
      for (let slot = 0; slot < held; slot += 1) this.#count(this.#ring[slot]!, 1);
    }
    return this.#index.has(key);
  }

  #reindex(slot: number, key: number): void {
    if (this.#added - this.#addedAtLastQuestion > this.#ring.length) {
      this.#index = undefined;
      return;
    }
    if (this.#added >= this.#ring.length) this.#count(this.#ring[slot]!, -1);
    this.#count(key, 1);
  }

  #count(key: number, change: 1 | -1): void {
    const count = (this.#index!.get(key) ?? 0) + change;
    if (count === 0) this.#index!.delete(key);
    else this.#index!.set(key, count);
  }
}
