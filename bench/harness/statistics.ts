/** The results of repeated runs: the median, and how far the others are from it. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** `values` must not be empty. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

/** The median, and the bounds between which that of any number of runs lies with a certainty of 95 %. */
export function medianAndBounds(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  // From the binomial distribution of how many values are below the true median, as a normal one.
  const outside = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2));
  return { ...spreadOf(values), least: sorted[outside]!, most: sorted.at(-1 - outside)! };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
