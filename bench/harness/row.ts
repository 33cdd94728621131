import type { Figures } from "./comparison.js";
import type { Spread } from "./statistics.js";

/** The target of a figure. */
interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One line of the result. */
export interface Finding {
  /** What was measured, divided by what: `throughput ÷ bare copy's`. */
  readonly what: string;
  /** Of a figure that is not a ratio. */
  readonly unit?: string;
  readonly value: Spread;
  readonly target?: Target;
}

export interface RowResult {
  readonly findings: readonly Finding[];
  /** After the findings. */
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
  /** Says why the row cannot run here. */
  readonly missing?: () => string | undefined;
  run(settings: RowSettings): Promise<RowResult>;
}

export function isMet({ value, target }: Finding): boolean {
  return (
    value.median >= (target?.atLeast ?? Number.NEGATIVE_INFINITY) &&
    value.median <= (target?.atMost ?? Number.POSITIVE_INFINITY)
  );
}
