/** Texts that are sorted, and merged, between two pauses. */
const textsPerPiece = 2_000;

/** Sorts as `Array.prototype.sort` does; an empty piece is a place to pause. */
export function* sortedInPieces(texts: readonly string[]): Generator<"", string[]> {
  let runs: string[][] = [];
  for (let begin = 0; begin < texts.length; begin += textsPerPiece) {
    runs.push(texts.slice(begin, begin + textsPerPiece).sort());
    yield "";
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(yield* mergedInPieces(runs[i]!, runs[i + 1] ?? []));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergedInPieces(left: readonly string[], right: readonly string[]): Generator<"", string[]> {
  const merged: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const takesLeft = j === right.length || (i < left.length && left[i]! <= right[j]!);
    merged.push(takesLeft ? left[i++]! : right[j++]!);
    if (merged.length % textsPerPiece === 0) yield "";
  }
  return merged;
}
