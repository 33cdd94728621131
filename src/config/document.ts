import type { FieldPath } from "../fields/kind.js";
import type { Position, Problem } from "./problem.js";

/** A parsed text, YAML or JSON: its value, and where in the text each part of it is. */
export interface ConfigDocument {
  /** As `JSON.parse` would return it; `undefined` if there are errors. */
  readonly value: unknown;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where a part is, for messages about it. */
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
