import type { LabelSet } from "../store/labels.js";
import { labelOf, labelSet } from "../store/labels.js";
import { scalarOf, scalarsOf } from "./operators.js";
import { quantile } from "./quantile.js";
import { bytesPerElement, bytesPerKept, type QueryContext, type Work } from "./query-context.js";
import { QueryError } from "./query-fault.js";
import type { BuiltinName } from "./syntax.js";
import {
  Duration,
  type Element,
  InstantVector,
  List,
  Pair,
  RangeVector,
  type SeriesRange,
  shownLabels,
  Timestamp,
  typeOf,
  type Value,
} from "./values.js";

/** A call of a builtin: its arguments, and where they are in the query. */
export interface BuiltinCall {
  readonly name: BuiltinName;
  /** The labels of `quantile_by`. */
  readonly labels: readonly string[];
  readonly given: readonly Value[];
  readonly places: readonly number[];
  readonly at: number;
}

/** @throws QueryError */
export function* callBuiltin(context: QueryContext, call: BuiltinCall): Work<Value> {
  const given = new Arguments(context, call);
  const { name } = call;
  switch (name) {
    case "fst":
      return given.pair(0).first;
    case "snd":
      return given.pair(0).second;
    case "min":
    case "max":
    case "avg":
      return overElements(given, name);
    case "abs":
      return Math.abs(given.scalar(0));
    case "round":
      return roundHalfToEven(given.scalar(0));
    case "to_scalar":
      return toScalar(context, call);
    case "metrics": {
      const names = context.source.names();
      context.meter.charge(names.length * 8);
      return new List(names);
    }
    case "increase":
      return yield* overSeries(given, 0, (series) => ({ value: increase(series), time: series.newest }));
    case "rate":
      return yield* overSeries(given, 0, (series) => ({ value: rate(series), time: series.newest }));
    case "avg_over_time":
      return yield* overSeries(given, 0, ({ values }) => ({
        value: sum(values) / values.length,
        time: context.now.ms,
      }));
    case "sum_over_time":
      return yield* overSeries(given, 0, ({ values }) => ({ value: sum(values), time: context.now.ms }));
    case "quantile_over_time":
      return yield* quantileOverTime(context, given);
    case "quantile_by":
      return yield* quantileBy(context, given, call.labels);
    case "filter":
      return yield* filter(context, given);
    case "map":
      return yield* map(context, given);
    case "join":
      return join(given);
    case "unless":
      return unless(given);
    case "earliest":
    case "latest":
      // `checkNames` refuses them before anything is evaluated.
      throw new QueryError({ code: "unsupported", place: context.placeOf(call.at), name });
  }
}

/** The arguments of a call, each converted to the type that the builtin needs. */
class Arguments {
  readonly context: QueryContext;
  readonly #call: BuiltinCall;

  constructor(context: QueryContext, call: BuiltinCall) {
    this.context = context;
    this.#call = call;
  }

  /** The position of an argument. */
  at(index: number): number {
    return this.#call.places[index]!;
  }

  value(index: number): Value {
    return this.#call.given[index]!;
  }

  scalar(index: number): number {
    const value = this.value(index);
    if (typeof value !== "number") throw this.#mismatch("Scalar", index);
    return value;
  }

  pair(index: number): Pair {
    const value = this.value(index);
    if (!(value instanceof Pair)) throw this.#mismatch("(a, b)", index);
    return value;
  }

  vector(index: number): InstantVector {
    const value = this.value(index);
    if (!(value instanceof InstantVector)) throw this.#mismatch("InstantVector a", index);
    return value;
  }

  scalars(index: number): number[] {
    this.context.meter.isDue(this.vector(index).elements.length);
    return this.vector(index).elements.map((element) => scalarOf(this.context, element, this.at(index)));
  }

  range(index: number): RangeVector {
    const value = this.value(index);
    if (!(value instanceof RangeVector)) throw this.#mismatch("RangeVector Scalar", index);
    return value;
  }

  #mismatch(expected: string, index: number): QueryError {
    return this.context.mismatch(expected, this.value(index), this.at(index));
  }
}

function overElements(given: Arguments, name: "min" | "max" | "avg"): number {
  const scalars = given.scalars(0);
  const [first, ...others] = scalars;
  if (first === undefined) throw new QueryError({ code: "empty-vector", builtin: name });
  if (name === "avg") return sum(scalars) / scalars.length;
  return others.reduce(name === "min" ? smaller : larger, first);
}

/** The smaller number; NaN if one of them is NaN. */
function smaller(a: number, b: number): number {
  return Math.min(a, b);
}

function larger(a: number, b: number): number {
  return Math.max(a, b);
}

function sum(numbers: ArrayLike<number>): number {
  let total = 0;
  for (let n = 0; n < numbers.length; n += 1) total += numbers[n]!;
  return total;
}

/** To the nearest whole number; halfway between two, to the even one. */
function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  // `+ 0` turns -0 into 0.
  if (x - below !== 0.5) return Math.round(x) + 0;
  return below % 2 === 0 ? below : below + 1;
}

function toScalar(context: QueryContext, { given, places }: BuiltinCall): number {
  const value = given[0]!;
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Duration || value instanceof Timestamp) return value.ms;
  const place = context.placeOf(places[0]!);
  throw new QueryError({ code: "no-scalar", place, found: typeOf(value) });
}

/** The points of a series, at least one. */
interface Points {
  readonly labels: LabelSet;
  readonly values: Float64Array;
  readonly oldest: number;
  readonly newest: number;
}

function pointsOf({ context, at }: { context: QueryContext; at: number }, series: SeriesRange): Points {
  const { labels, times } = series;
  const values = scalarsOf(context, series.values, at);
  return { labels, values, oldest: times[0]!, newest: times[times.length - 1]! };
}

function* overSeries(
  given: Arguments,
  index: number,
  reduce: (series: Points) => { value: number; time: number },
): Work<InstantVector> {
  const { context } = given;
  const { series } = given.range(index);
  context.meter.charge(series.length * bytesPerElement);
  const elements: Element[] = [];
  for (const each of series) {
    elements.push({ labels: each.labels, ...reduce(pointsOf({ context, at: given.at(index) }, each)) });
    if (context.meter.isDue(each.values.length / 16)) yield;
  }
  return new InstantVector(elements);
}

/** The newest value minus the oldest; a counter that restarted is not noticed, as in the original. */
function increase({ values }: Points): number {
  return values.at(-1)! - values[0]!;
}

/** The increase per millisecond, as in the original. */
function rate(points: Points): number {
  if (points.values.length === 1) {
    throw new QueryError({ code: "single-point", labels: shownLabels(points.labels) });
  }
  return increase(points) / (points.newest - points.oldest);
}

/** @throws QueryError if there is no such quantile */
function checkedK(given: Arguments, builtin: string): number {
  const k = given.scalar(0);
  if (!(k >= 0 && k <= 1)) throw new QueryError({ code: "quantile-out-of-range", builtin, k });
  return k;
}

function sorted(values: Float64Array, builtin: string): Float64Array {
  if (values.some(Number.isNaN)) throw new QueryError({ code: "not-a-number", builtin });
  return values.slice().sort();
}

function* quantileOverTime(context: QueryContext, given: Arguments): Work<InstantVector> {
  const k = checkedK(given, "quantile_over_time");
  const elements: Element[] = [];
  for (const series of given.range(1).series) {
    const { labels, values, newest } = pointsOf({ context, at: given.at(1) }, series);
    elements.push({ labels, time: newest, value: quantile(k, sorted(values, "quantile_over_time")) });
    context.meter.charge(bytesPerElement);
    if (context.meter.isDue(values.length)) yield;
  }
  return new InstantVector(elements);
}

/** Adjacent elements with the same values of these labels form a group; elements without a label have the same value. */
function* quantileBy(context: QueryContext, given: Arguments, names: readonly string[]): Work<InstantVector> {
  const k = checkedK(given, "quantile_by");
  const scalars = given.scalars(1);
  const { elements } = given.vector(1);
  if (elements.length === 0) throw new QueryError({ code: "empty-vector", builtin: "quantile_by" });
  const groups: { labels: LabelSet; values: number[] }[] = [];
  for (const [index, { labels }] of elements.entries()) {
    const kept: Record<string, string> = {};
    for (const name of names) {
      const value = labelOf(labels, name);
      if (value !== undefined) kept[name] = value;
    }
    const common = labelSet(kept);
    const last = groups.at(-1);
    if (last !== undefined && last.labels.key === common.key) last.values.push(scalars[index]!);
    else groups.push({ labels: common, values: [scalars[index]!] });
    if (context.meter.isDue(names.length)) yield;
  }
  context.meter.charge(groups.length * bytesPerElement);
  return new InstantVector(
    groups.map(({ labels, values }) => {
      const value = quantile(k, sorted(Float64Array.from(values), "quantile_by"));
      return { labels, time: context.now.ms, value };
    }),
  );
}

function* filter(context: QueryContext, given: Arguments): Work<InstantVector> {
  const kept: Element[] = [];
  for (const element of given.vector(1).elements) {
    const isKept = yield* context.applyOnce(given.value(0), element.value, given.at(0));
    if (typeof isKept !== "boolean") throw context.mismatch("Bool", isKept, given.at(0));
    if (isKept) kept.push(element);
  }
  context.meter.charge(kept.length * bytesPerKept);
  return new InstantVector(kept);
}

function* map(context: QueryContext, given: Arguments): Work<InstantVector> {
  const mapped: Element[] = [];
  for (const element of given.vector(1).elements) {
    const value = yield* context.applyOnce(given.value(0), element.value, given.at(0));
    context.meter.charge(bytesPerElement);
    mapped.push({ ...element, value });
  }
  return new InstantVector(mapped);
}

function unless(given: Arguments): InstantVector {
  const { elements } = given.vector(0);
  const excluded = new Set(given.vector(1).elements.map(({ labels }) => labels.key));
  given.context.meter.isDue(elements.length + excluded.size);
  given.context.meter.charge(elements.length * bytesPerKept);
  return new InstantVector(elements.filter(({ labels }) => !excluded.has(labels.key)));
}

function join(given: Arguments): InstantVector {
  const { elements } = given.vector(0);
  given.context.meter.isDue(2 * elements.length);
  const others = new Map(given.vector(1).elements.map(({ labels, value }) => [labels.key, value]));
  given.context.meter.charge(elements.length * 2 * bytesPerElement);
  return new InstantVector(
    elements.map((element) => {
      const other = others.get(element.labels.key);
      if (other === undefined) {
        throw new QueryError({ code: "no-matching-label", labels: shownLabels(element.labels) });
      }
      return { ...element, value: new Pair(element.value, other) };
    }),
  );
}
