/** The newest items, a bounded number of them; adding one costs the same however many there are. */
export class Ring<Item> {
  readonly #items: Item[] = [];
  readonly #most: number;
  #first = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get length(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    if (this.#items.length < this.#most) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#first] = item;
    this.#first = (this.#first + 1) % this.#most;
  }

  /** From the oldest, 0, on. */
  at(index: number): Item | undefined {
    return this.#items[(this.#first + index) % this.#items.length];
  }

  all(): Item[] {
    return [...this.#items.slice(this.#first), ...this.#items.slice(0, this.#first)];
  }

  clear(): void {
    this.#items.length = 0;
    this.#first = 0;
  }
}
