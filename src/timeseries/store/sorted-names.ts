/** Most names added since the rest was sorted. */
const mostRecent = 4_096;

/** Names in ascending order, while names are added and removed. Sorting all of them at once would block everything else. */
export class SortedNames {
  #sorted: readonly string[] = [];
  #recent = new Set<string>();
  #gone = new Set<string>();

  /** Adds a name that is not among them. */
  add(name: string): void {
    if (this.#gone.delete(name)) return;
    this.#recent.add(name);
    if (this.#recent.size >= mostRecent) this.#merge();
  }

  /** Removes a name that is among them. */
  delete(name: string): void {
    if (!this.#recent.delete(name)) this.#gone.add(name);
  }

  all(): readonly string[] {
    if (this.#recent.size > 0 || this.#gone.size > 0) this.#merge();
    return this.#sorted;
  }

  #merge(): void {
    const sorted = this.#sorted;
    const merged: string[] = [];
    let at = 0;
    for (const name of [...this.#recent, ...this.#gone].sort()) {
      const place = placeOf(name, sorted, at);
      for (; at < place; at += 1) merged.push(sorted[at]!);
      if (this.#recent.has(name)) merged.push(name);
      else at += 1;
    }
    for (; at < sorted.length; at += 1) merged.push(sorted[at]!);
    this.#sorted = merged;
    this.#recent = new Set();
    this.#gone = new Set();
  }
}

/** The place of the first name, from `from` on, that does not come before this one. */
function placeOf(name: string, sorted: readonly string[], from: number): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
