interface Series {
  /** Observations up to each bound and above the one before it; the last: above all bounds. */
  readonly counts: number[];
  sum: number;
}

/** Counts observations by their size, separately for each value of one label. */
export class OwnHistogram {
  readonly labelName: string;
  /** Upper bounds of the buckets, ascending; a last bucket without bound is implied. */
  readonly bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor(options: { labelName: string; bounds: readonly number[] }) {
    this.labelName = options.labelName;
    this.bounds = options.bounds;
  }

  observe(label: string, value: number): void {
    let series = this.#series.get(label);
    if (series === undefined) {
      series = { counts: Array<number>(this.bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(label, series);
    }
    const found = this.bounds.findIndex((bound) => value <= bound);
    series.counts[found === -1 ? this.bounds.length : found]! += 1;
    series.sum += value;
  }

  /** By label; the counts are those of each bucket alone, not cumulative. */
  series(): ReadonlyMap<string, { readonly counts: readonly number[]; readonly sum: number }> {
    return this.#series;
  }
}
