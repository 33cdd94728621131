import { bytesPerElement, bytesPerKept, type QueryContext, type Work } from "./query-context.js";
import { QueryError } from "./query-fault.js";
import type { ArithmeticOperator, BinaryOperator, ComparisonOperator } from "./syntax.js";
import {
  Duration,
  type Element,
  InstantVector,
  RangeVector,
  type SeriesRange,
  Timestamp,
  typeOf,
  type Value,
} from "./values.js";

type Arithmetic = (left: number, right: number) => number;
type Comparison = (left: number, right: number) => boolean;

const arithmetic: Readonly<Record<ArithmeticOperator, Arithmetic>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
};

const comparisons: Readonly<Record<ComparisonOperator, Comparison>> = {
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  "<=": (left, right) => left <= right,
  ">=": (left, right) => left >= right,
  "<": (left, right) => left < right,
  ">": (left, right) => left > right,
};

/** @throws QueryError if the operator does not accept these two types */
export function binary(
  context: QueryContext,
  operator: BinaryOperator,
  left: Value,
  right: Value,
  at: number,
): Value {
  const value =
    operator === "||" || operator === "&&"
      ? logical(operator, left, right)
      : operator in comparisons
        ? compared(context, comparisons[operator as ComparisonOperator], left, right, at)
        : (timed(context, operator as ArithmeticOperator, left, right) ??
          computed(context, arithmetic[operator as ArithmeticOperator], left, right, at));
  if (value === undefined) throw unsuited(context, operator, left, right, at);
  return value;
}

/** `binary` if one of the operands is a range vector, which may have millions of points. @throws QueryError */
export function* binaryOfRange(
  context: QueryContext,
  operator: BinaryOperator,
  left: Value,
  right: Value,
  at: number,
): Work<RangeVector> {
  const compute = operator in arithmetic ? arithmetic[operator as ArithmeticOperator] : undefined;
  if (compute !== undefined && left instanceof RangeVector && typeof right === "number")
    return yield* eachOfRange(context, left, (value) => compute(value, right), at);
  if (compute !== undefined && typeof left === "number" && right instanceof RangeVector)
    return yield* eachOfRange(context, right, (value) => compute(left, value), at);
  throw unsuited(context, operator, left, right, at);
}

function unsuited(
  context: QueryContext,
  operator: BinaryOperator,
  left: Value,
  right: Value,
  at: number,
): QueryError {
  const place = context.placeOf(at);
  return new QueryError({ code: "operands", place, operator, left: typeOf(left), right: typeOf(right) });
}

function logical(operator: "||" | "&&", left: Value, right: Value): boolean | undefined {
  if (typeof left !== "boolean" || typeof right !== "boolean") return undefined;
  return operator === "||" ? left || right : left && right;
}

/** For two scalars or truth values, a truth value; for a vector and a scalar, the elements for which it is true. */
function compared(
  context: QueryContext,
  compare: Comparison,
  left: Value,
  right: Value,
  at: number,
): Value | undefined {
  if (typeof left === "number" && typeof right === "number") return compare(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return compare(Number(left), Number(right));
  const keep = ({ elements }: InstantVector, isKept: (value: number) => boolean) => {
    context.meter.isDue(elements.length);
    context.meter.charge(elements.length * bytesPerKept);
    return new InstantVector(elements.filter((element) => isKept(scalarOf(context, element, at))));
  };
  if (left instanceof InstantVector && typeof right === "number")
    return keep(left, (value) => compare(value, right));
  if (typeof left === "number" && right instanceof InstantVector)
    return keep(right, (value) => compare(left, value));
  return undefined;
}

/** Sums and differences of times. */
function timed(
  context: QueryContext,
  operator: ArithmeticOperator,
  left: Value,
  right: Value,
): Value | undefined {
  if (operator === "+") {
    if (left instanceof Duration && right instanceof Duration) {
      return new Duration(context.timestamp(left.ms + right.ms).ms);
    }
    if (left instanceof Timestamp && right instanceof Duration) return context.timestamp(left.ms + right.ms);
    if (left instanceof Duration && right instanceof Timestamp) return context.timestamp(left.ms + right.ms);
  }
  if (operator === "-" && left instanceof Timestamp && right instanceof Duration) {
    return context.timestamp(left.ms - right.ms);
  }
  return undefined;
}

function computed(
  context: QueryContext,
  compute: Arithmetic,
  left: Value,
  right: Value,
  at: number,
): Value | undefined {
  if (typeof left === "number" && typeof right === "number") return compute(left, right);
  if (typeof right === "number") return each(context, left, (value) => compute(value, right), at);
  // The original swaps these operands: there `10 - v` is `v - 10`.
  if (typeof left === "number") return each(context, right, (value) => compute(left, value), at);
  return undefined;
}

/** A vector with each value changed; labels and times are kept. */
function each(
  context: QueryContext,
  vector: Value,
  change: (value: number) => number,
  at: number,
): Value | undefined {
  if (!(vector instanceof InstantVector)) return undefined;
  context.meter.isDue(vector.elements.length);
  context.meter.charge(vector.elements.length * bytesPerElement);
  return new InstantVector(
    vector.elements.map((element) => ({ ...element, value: change(scalarOf(context, element, at)) })),
  );
}

function* eachOfRange(
  context: QueryContext,
  range: RangeVector,
  change: (value: number) => number,
  at: number,
): Work<RangeVector> {
  const { meter } = context;
  const changed: SeriesRange[] = [];
  for (const { labels, times, values } of range.series) {
    meter.charge(values.length * 8);
    changed.push({ labels, times, values: scalarsOf(context, values, at).map(change) });
    if (meter.isDue(values.length / 16)) yield;
  }
  return new RangeVector(changed);
}

/** @throws QueryError if the element is not a scalar */
export function scalarOf(context: QueryContext, { value }: Element, at: number): number {
  if (typeof value !== "number") {
    throw context.mismatch("InstantVector Scalar", new InstantVector([{ value } as Element]), at);
  }
  return value;
}

/** @throws QueryError if one of them is not a scalar */
export function scalarsOf(
  context: QueryContext,
  values: Float64Array | readonly Value[],
  at: number,
): Float64Array {
  if (values instanceof Float64Array) return values;
  const other = values.find((value) => typeof value !== "number");
  if (other !== undefined) throw context.mismatch("Scalar", other, at);
  return new Float64Array(values as readonly number[]);
}
