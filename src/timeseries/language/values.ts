import type { LabelSet } from "../store/labels.js";
import type { Expression } from "./syntax.js";

/** The value of an expression; a scalar is a number. */
export type Value =
  | number
  | boolean
  | string
  | Timestamp
  | Duration
  | Unit
  | Pair
  | List
  | InstantVector
  | RangeVector
  | Metric
  | Closure;

/** Milliseconds since 1970, whole. */
export class Timestamp {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

export class Duration {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

export class Unit {}

export class Pair {
  readonly first: Value;
  readonly second: Value;

  constructor(first: Value, second: Value) {
    this.first = first;
    this.second = second;
  }
}

export class List {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** A value of one series at a time, in milliseconds since 1970. */
export interface Element {
  readonly labels: LabelSet;
  readonly time: number;
  readonly value: Value;
}

/** The values of several series at one time. */
export class InstantVector {
  readonly elements: readonly Element[];

  constructor(elements: readonly Element[]) {
    this.elements = elements;
  }
}

/** Columns of one series; never empty. */
export interface SeriesRange {
  readonly labels: LabelSet;
  readonly times: Float64Array | readonly number[];
  readonly values: Float64Array | readonly Value[];
}

/** The points of several series over time, ascending by labels. */
export class RangeVector {
  readonly series: readonly SeriesRange[];

  constructor(series: readonly SeriesRange[]) {
    this.series = series;
  }
}

/** A metric of the store: the function from a time to an instant vector. */
export class Metric {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The values of a query's names: the innermost first. */
export interface Scope {
  readonly name: string;
  readonly value: Value;
  readonly outer: Scope | undefined;
}

/** A function defined in the query. */
export class Closure {
  readonly parameter: string;
  readonly body: Expression;
  readonly scope: Scope | undefined;

  constructor(parameter: string, body: Expression, scope: Scope | undefined) {
    this.parameter = parameter;
    this.body = body;
    this.scope = scope;
  }
}

/** The type as messages name it; types deep inside are left out. */
export function typeOf(value: Value, depth = 4): string {
  if (depth === 0) return "…";
  if (typeof value === "number") return "Scalar";
  if (typeof value === "boolean") return "Bool";
  if (typeof value === "string") return "Text";
  if (value instanceof Timestamp) return "Timestamp";
  if (value instanceof Duration) return "Duration";
  if (value instanceof Unit) return "()";
  if (value instanceof Pair) return `(${typeOf(value.first, depth - 1)}, ${typeOf(value.second, depth - 1)})`;
  if (value instanceof List) return "List Text";
  if (value instanceof InstantVector) return vectorType("InstantVector", value.elements[0]?.value, depth);
  if (value instanceof RangeVector) return vectorType("RangeVector", value.series[0]?.values[0], depth);
  if (value instanceof Metric) return "(Timestamp -> InstantVector Scalar)";
  return "(a -> b)";
}

function vectorType(name: string, value: Value | undefined, depth: number): string {
  const inner = value === undefined ? "a" : typeOf(value, depth - 1);
  return inner.includes(" ") && !inner.startsWith("(") ? `${name} (${inner})` : `${name} ${inner}`;
}

/** The labels of a series as a query would name them. */
export function shownLabels({ pairs }: LabelSet): string {
  return `{${pairs.map(([name, value]) => `"${name}" = "${value}"`).join(", ")}}`;
}
