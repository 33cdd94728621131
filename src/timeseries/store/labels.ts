/** The labels of a series, in the order of their names. Two sets are equal if their keys are. */
export interface LabelSet {
  readonly pairs: readonly (readonly [name: string, value: string])[];
  readonly key: string;
}

export function labelSet(labels: Readonly<Record<string, string>>): LabelSet {
  const pairs = Object.entries(labels).sort(([a], [b]) => compareTexts(a, b));
  return { pairs, key: JSON.stringify(pairs) };
}

export function labelOf({ pairs }: LabelSet, name: string): string | undefined {
  return pairs.find(([each]) => each === name)?.[1];
}

/** The order of vectors: pair by pair; if one begins with the other, the shorter comes first. */
export function compareLabels(a: LabelSet, b: LabelSet): number {
  for (const [index, [name, value]] of a.pairs.entries()) {
    const other = b.pairs[index];
    if (other === undefined) return 1;
    const order = compareTexts(name, other[0]) || compareTexts(value, other[1]);
    if (order !== 0) return order;
  }
  return a.pairs.length - b.pairs.length;
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
