/** Names that came since the rest was put in order. */
const mostRecent = 4_096;

/** Names in ascending order, while they come and go. To sort all of them at once would hold up everything else. */
export class SortedNames {
  #sorted: readonly string[] = [];
  #recent = new Set<string>();
  #gone = new Set<string>();

  /** It is not among them. */
  add(name: string): void {
    if (this.#gone.delete(name)) return;
    this.#recent.add(name);
    if (this.#recent.size >= mostRecent) this.#merge();
  }

  /** It is among them. */
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

/** Where the first name is, from `from` on, that is not before this one. */
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
