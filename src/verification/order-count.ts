/**
 * Counts how many of the indexes given need not have moved: the length of the longest increasing run through them
 * (patience sorting). Everything below an index that can no longer come is settled, so memory is bounded by how far
 * an index can be displaced.
 */
export class OrderCount {
  #settled = 0;
  /** `tails[i]`: the smallest index that ends an increasing run of `i + 1` unsettled indexes. */
  #tails: number[] = [];
  #addedSinceSettling = 0;

  get inOrder(): number {
    return this.#settled + this.#tails.length;
  }

  /** Adds an index if every later one will be larger. */
  addLast(): void {
    this.#settled += this.#tails.length + 1;
    if (this.#tails.length > 0) this.#tails = [];
  }

  /** Adds an index if later ones may be as low as `smallestOpen`. */
  add(index: number, smallestOpen: number): void {
    const at = firstAbove(this.#tails, index);
    this.#tails[at] = index;
    this.#addedSinceSettling += 1;
    // Settling copies the list, so it is done once for as many indexes as the list is long.
    if (this.#addedSinceSettling >= Math.max(leastBetween, this.#tails.length / 2)) {
      this.#addedSinceSettling = 0;
      const settled = firstAbove(this.#tails, smallestOpen);
      this.#settled += settled;
      this.#tails = this.#tails.slice(settled);
    }
  }
}

/** Indexes that are added before the list is settled. */
const leastBetween = 4_096;

/** Position of the first of the ascending `values` that is above `limit`. */
function firstAbove(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  if (high === 0 || values[high - 1]! < limit) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
