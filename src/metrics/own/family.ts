import type { OwnHistogram } from "./histogram.js";

export interface FamilyOptions {
  /** The whole name; a counter's ends in `_total`. */
  readonly name: string;
  /** One sentence, without quotes and line feeds. */
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** The series of a family: labels and value of each. */
export type Rows<Reading> = (
  reading: Reading,
) => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/** A family and where its numbers come from. */
export type Family<Reading> = FamilyOptions &
  (
    | { readonly type: "counter"; readonly rows: Rows<Reading> }
    | { readonly type: "gauge"; readonly rows: Rows<Reading> }
    | { readonly type: "histogram"; readonly histogram: OwnHistogram }
  );
