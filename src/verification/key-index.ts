interface Queue {
  readonly indexes: number[];
  start: number;
}

/** The indexes of each key, ascending; only the first is ever read or removed. */
export class KeyIndex {
  /** Most keys occur once and are kept as a plain number. */
  readonly #byKey = new Map<number, number | Queue>();

  /** `index` is above all that were added for this key. */
  add(key: number, index: number): void {
    const held = this.#byKey.get(key);
    if (held === undefined) this.#byKey.set(key, index);
    else if (typeof held === "number") this.#byKey.set(key, { indexes: [held, index], start: 0 });
    else held.indexes.push(index);
  }

  first(key: number): number | undefined {
    const held = this.#byKey.get(key);
    return typeof held === "object" ? held.indexes[held.start] : held;
  }

  removeFirst(key: number): void {
    const held = this.#byKey.get(key);
    if (typeof held !== "object") {
      this.#byKey.delete(key);
      return;
    }
    held.start += 1;
    if (held.start === held.indexes.length) this.#byKey.delete(key);
    else if (held.start * 2 > held.indexes.length && held.start > 1_000) {
      held.indexes.splice(0, held.start);
      held.start = 0;
    }
  }
}
