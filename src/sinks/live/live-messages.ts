import type { Severity } from "../../protocol/trace-batch.js";

/** A message to a viewer, as JSON; one key each (docs/ui.md). */
export type LiveMessage =
  /** In the order of arrival. */
  | { readonly objects: readonly LiveObject[] }
  /** This many objects that pass the filter are left out here: the viewer was too slow. */
  | { readonly missed: number }
  /** This many objects are left out here that were not compared with the filter for lack of time. */
  | { readonly skipped: number };

/** What viewers get of a trace object, see docs/ui.md. */
export interface LiveObject {
  readonly node: string;
  /** ISO 8601 in UTC, with nanoseconds. */
  readonly at: string;
  readonly severity: Severity;
  readonly namespace: string;
  readonly host: string;
  readonly thread: string;
  readonly machine: string;
  readonly human?: string;
  /** Bytes of the longer text, if it was cut. */
  readonly cutFrom?: number;
}
