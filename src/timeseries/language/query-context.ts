import type { Series } from "../store/series.js";
import type { Meter } from "./meter.js";
import type { Place, QueryError } from "./query-fault.js";
import type { Timestamp, Value } from "./values.js";

/** Where metrics come from. */
export interface MetricSource {
  /** Ascending. */
  names(): readonly string[];
  knows(metric: string): boolean;
  /** Ascending by labels. */
  seriesOf(metric: string): readonly Series[];
  /** Points before this time are ignored. */
  readonly since: number;
}

/** Work that pauses regularly to give way to other work on the event loop. */
export type Work<Result> = Generator<void, Result>;

/** Roughly the memory of a vector's element, in bytes. */
export const bytesPerElement = 96;
/** Bytes of an element that another vector has already. */
export const bytesPerKept = 8;

/** The query in which operators and builtins are evaluated. */
export interface QueryContext {
  readonly source: MetricSource;
  readonly meter: Meter;
  readonly now: Timestamp;
  /** A function's value; `at` is where it is applied. @throws QueryError */
  apply(applied: Value, argument: Value, at: number): Work<Value>;
  /** Like `apply`, when only the result is kept: if it is small, what was needed to compute it counts as garbage. */
  applyOnce(applied: Value, argument: Value, at: number): Work<Value>;
  /** @throws QueryError if there is no such time */
  timestamp(ms: number): Timestamp;
  mismatch(expected: string, found: Value, at: number): QueryError;
  placeOf(at: number): Place;
}
