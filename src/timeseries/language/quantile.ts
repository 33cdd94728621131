/**
 * The k-quantile of at least one number, in ascending order, by linear interpolation between the two nearest. As in
 * cardano-timeseries-io, k is cut to whole hundredths.
 */
export function quantile(k: number, sorted: ArrayLike<number>): number {
  const position = (Math.floor(100 * k) / 100) * sorted.length;
  const below = Math.floor(position);
  const share = position - below;
  const at = (place: number) => sorted[Math.min(Math.max(place, 1), sorted.length) - 1]!;
  return share === 0 ? at(below) : (1 - share) * at(below) + share * at(below + 1);
}
