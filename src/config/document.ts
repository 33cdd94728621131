import type { FieldPath } from "../fields/kind.js";
import type { Position, Problem } from "./problem.js";

/** A parsed text, YAML or JSON: its value, and where in the text each part of it is. */
export interface ConfigDocument {
  /** As `JSON.parse` would give it; `undefined` where there are errors. */
  readonly value: unknown;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** For who has something to say about a part. */
  places(): Promise<Places>;
}

export interface Places {
  /** Where a value is or, if there is none, the nearest thing around it. */
  ofValue(path: FieldPath): Position;
  /** Where the key of a field is. */
  ofKey(path: FieldPath): Position;
}

/** Deeper than any configuration needs, and far from what overflows the stack of a recursive parser. */
export const maxDepth = 100;
