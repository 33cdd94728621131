/** Keeps the newest items, up to a limit. Adding one takes the same time however many there are. */
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

  /** There must be one. */
  replaceLast(item: Item): void {
    const { length } = this.#items;
    this.#items[(this.#first + length - 1) % length] = item;
  }

  /** Index 0 is the oldest. */
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
