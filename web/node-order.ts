import type { NodeSummary } from "../src/ui/answers.js";

/** Made once: `localeCompare` would make a new one for each pair. */
export const byName = new Intl.Collator("en", { numeric: true });

/** A column that nodes can be sorted by. */
interface Order {
  readonly title: string;
  /** Whether the first click sorts the greatest first. */
  readonly isDescending: boolean;
  readonly compare: (one: NodeSummary, other: NodeSummary) => number;
}

export const orders = {
  name: {
    title: "Node",
    isDescending: false,
    compare: (one, other) => byName.compare(one.name, other.name),
  },
  state: {
    title: "State",
    isDescending: false,
    compare: (one, other) => Number(one.isConnected) - Number(other.isConnected),
  },
  version: {
    title: "Version",
    isDescending: false,
    compare: (one, other) => byName.compare(one.version ?? "", other.version ?? ""),
  },
  rate: { title: "Rate", isDescending: true, compare: (one, other) => one.rate - other.rate },
  lastAt: {
    title: "Last message",
    isDescending: true,
    compare: (one, other) => (one.lastAt ?? 0) - (other.lastAt ?? 0),
  },
  severity: { title: "Severity", isDescending: true, compare: bySeverity },
} as const satisfies Record<string, Order>;

export type OrderName = keyof typeof orders;

export const orderNames = Object.keys(orders) as OrderName[];

/** How nodes are sorted. */
export interface Sorting {
  readonly by: OrderName;
  readonly isDescending: boolean;
}

/** Sorts nodes; equal ones are sorted by name. */
export function sorted(nodes: readonly NodeSummary[], { by, isDescending }: Sorting): NodeSummary[] {
  const { compare } = orders[by];
  const sign = isDescending ? -1 : 1;
  return nodes.toSorted((one, other) => sign * compare(one, other) || byName.compare(one.name, other.name));
}

/** The sorting after a click on a column: a second click reverses it. */
export function nextSorting(before: Sorting, by: OrderName): Sorting {
  return { by, isDescending: by === before.by ? !before.isDescending : orders[by].isDescending };
}

/** By the number of lines of the worst severity, then of the next. */
function bySeverity({ bySeverity: one }: NodeSummary, { bySeverity: other }: NodeSummary): number {
  for (let severity = one.length - 1; severity >= 0; severity -= 1) {
    const difference = one[severity]! - other[severity]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
