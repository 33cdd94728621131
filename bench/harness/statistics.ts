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

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
