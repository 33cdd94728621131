import type { Figures } from "./comparison.js";
import type { Spread } from "./statistics.js";

/** What a figure should be. */
interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One line of the result. */
export interface Finding {
  /** What was measured, by what it was divided: `throughput ÷ bare copy's`. */
  readonly what: string;
  /** Of a figure that is no ratio. */
  readonly unit?: string;
  readonly value: Spread;
  readonly target?: Target;
}

export interface RowResult {
  readonly findings: readonly Finding[];
  /** Behind the findings. */
  readonly figures: readonly Figures[];
}

interface RowSettings {
  /** How often each contestant runs. */
  readonly runs: number;
  /** Share of the full workload, 0–1. */
  readonly scale: number;
}

/** One benchmark: `npm run bench -- --only NAME`. */
export interface Row {
  readonly name: string;
  readonly summary: string;
  /** Says why the row cannot be run here. */
  readonly missing?: () => string | undefined;
  run(settings: RowSettings): Promise<RowResult>;
}

export function isMet({ value, target }: Finding): boolean {
  return (
    value.median >= (target?.atLeast ?? Number.NEGATIVE_INFINITY) &&
    value.median <= (target?.atMost ?? Number.POSITIVE_INFINITY)
  );
}
