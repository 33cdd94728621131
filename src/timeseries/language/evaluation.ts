import { type BuiltinCall, callBuiltin } from "./builtins.js";
import type { Meter } from "./meter.js";
import { binary, binaryOfRange } from "./operators.js";
import {
  bytesPerElement,
  bytesPerKept,
  type MetricSource,
  type QueryContext,
  type Work,
} from "./query-context.js";
import { type Place, placeIn, QueryError } from "./query-fault.js";
import { range } from "./range.js";
import type { Expression } from "./syntax.js";
import {
  Closure,
  Duration,
  type Element,
  InstantVector,
  Metric,
  Pair,
  RangeVector,
  type Scope,
  Timestamp,
  typeOf,
  Unit,
  type Value,
} from "./values.js";

/** Deepest nesting of function calls: no well-typed query of a reasonable size reaches it. */
const maxCalls = 400;

export interface EvaluationOptions {
  readonly query: string;
  readonly source: MetricSource;
  /** The time of `now`, in milliseconds since 1970. */
  readonly now: number;
  /** The step of a range that gives none. */
  readonly stepMs: number;
  readonly meter: Meter;
}

/** One evaluation of one query: looks up names, and determines types while computing. */
export class Evaluation implements QueryContext {
  readonly source: MetricSource;
  readonly meter: Meter;
  readonly now: Timestamp;
  readonly #stepMs: number;
  readonly #query: string;
  #calls = 0;

  constructor(options: EvaluationOptions) {
    this.#query = options.query;
    this.source = options.source;
    this.meter = options.meter;
    this.#stepMs = options.stepMs;
    this.now = new Timestamp(options.now);
  }

  /** @throws QueryError */
  *evaluate(expression: Expression, scope: Scope | undefined): Work<Value> {
    if (this.meter.isDue()) yield;
    switch (expression.kind) {
      case "constant":
        return expression.value;
      case "duration":
        return new Duration(expression.ms);
      case "epoch":
        return new Timestamp(0);
      case "now":
        return this.now;
      case "unit":
        return new Unit();
      case "name":
        return meaningOf(expression.name, scope);
      case "lambda":
        return new Closure(expression.parameter, expression.body, scope);
      case "let": {
        const value = yield* this.evaluate(expression.value, scope);
        return yield* this.evaluate(expression.body, { name: expression.name, value, outer: scope });
      }
      case "pair": {
        const first = yield* this.evaluate(expression.first, scope);
        return new Pair(first, yield* this.evaluate(expression.second, scope));
      }
      case "application": {
        const applied = yield* this.evaluate(expression.applied, scope);
        const argument = yield* this.evaluate(expression.argument, scope);
        return yield* this.apply(applied, argument, expression.at);
      }
      case "not": {
        const operand = yield* this.evaluate(expression.operand, scope);
        if (typeof operand !== "boolean") throw this.mismatch("Bool", operand, expression.at);
        return !operand;
      }
      case "binary": {
        const left = yield* this.evaluate(expression.left, scope);
        const right = yield* this.evaluate(expression.right, scope);
        const { at, operator } = expression;
        if (left instanceof RangeVector || right instanceof RangeVector)
          return yield* binaryOfRange(this, operator, left, right, at);
        const value = binary(this, operator, left, right, at);
        if (this.meter.isDue()) yield;
        return value;
      }
      case "labels": {
        const of = yield* this.evaluate(expression.of, scope);
        if (!(of instanceof InstantVector)) throw this.mismatch("InstantVector a", of, expression.at);
        return yield* this.#labelled(of, expression);
      }
      case "range":
        return yield* this.#range(expression, scope);
      case "builtin":
        return yield* this.#builtin(expression, scope);
    }
  }

  *apply(applied: Value, argument: Value, at: number): Work<Value> {
    if (applied instanceof Metric) {
      if (!(argument instanceof Timestamp)) throw this.mismatch("Timestamp", argument, at);
      return this.#metricAt(applied, argument.ms);
    }
    if (!(applied instanceof Closure)) throw this.mismatch("(a -> b)", applied, at);
    if (this.#calls === maxCalls) throw new QueryError({ code: "too-deep", limit: maxCalls });
    this.#calls += 1;
    const { body, parameter, scope } = applied;
    const value = yield* this.evaluate(body, { name: parameter, value: argument, outer: scope });
    this.#calls -= 1;
    return value;
  }

  *applyOnce(applied: Value, argument: Value, at: number): Work<Value> {
    const { bytes } = this.meter;
    const value = yield* this.apply(applied, argument, at);
    if (typeof value !== "object") this.meter.bytes = bytes;
    return value;
  }

  timestamp(ms: number): Timestamp {
    if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) throw new QueryError({ code: "time-out-of-range" });
    return new Timestamp(ms);
  }

  mismatch(expected: string, found: Value, at: number): QueryError {
    return new QueryError({
      code: "type-mismatch",
      expected,
      found: typeOf(found),
      place: this.placeOf(at),
    });
  }

  placeOf(at: number): Place {
    return placeIn(this.#query, at);
  }

  #metricAt({ name }: Metric, time: number): InstantVector {
    const elements: Element[] = [];
    const { since } = this.source;
    const series = this.source.seriesOf(name);
    for (const each of series) {
      const value = each.at(time, since);
      if (value !== undefined) elements.push({ labels: each.labels, time, value });
    }
    this.meter.isDue(series.length);
    this.meter.charge(elements.length * bytesPerElement);
    return new InstantVector(elements);
  }

  *#labelled({ elements }: InstantVector, expression: Expression & { kind: "labels" }): Work<InstantVector> {
    const kept: Element[] = [];
    for (const element of elements) {
      if (satisfies(element, expression)) kept.push(element);
      if (this.meter.isDue(expression.conditions.length)) yield;
    }
    this.meter.charge(kept.length * bytesPerKept);
    return new InstantVector(kept);
  }

  *#range(expression: Expression & { kind: "range" }, scope: Scope | undefined): Work<Value> {
    const { at, step } = expression;
    const of = yield* this.evaluate(expression.of, scope);
    const from = yield* this.evaluate(expression.from, scope);
    const to = yield* this.evaluate(expression.to, scope);
    const every = step === undefined ? new Duration(this.#stepMs) : yield* this.evaluate(step, scope);
    if (!(of instanceof Metric || of instanceof Closure)) {
      throw this.mismatch("(Timestamp -> InstantVector a)", of, at);
    }
    if (!(from instanceof Timestamp)) throw this.mismatch("Timestamp", from, expression.from.at);
    if (!(to instanceof Timestamp)) throw this.mismatch("Timestamp", to, expression.to.at);
    if (!(every instanceof Duration)) throw this.mismatch("Duration", every, step?.at ?? at);
    return yield* range(this, { of, from: from.ms, to: to.ms, step: every.ms, at });
  }

  *#builtin(expression: Expression & { kind: "builtin" }, scope: Scope | undefined): Work<Value> {
    const given: Value[] = [];
    for (const argument of expression.arguments) given.push(yield* this.evaluate(argument, scope));
    const { name, labels } = expression;
    const places = expression.arguments.map(({ at }) => at);
    const call: BuiltinCall = { name, labels, given, places, at: expression.at };
    const value = yield* callBuiltin(this, call);
    if (this.meter.isDue()) yield;
    return value;
  }
}

/** The values of names that were checked. */
function meaningOf(name: string, scope: Scope | undefined): Value {
  for (let each = scope; each !== undefined; each = each.outer) if (each.name === name) return each.value;
  return new Metric(name);
}

function satisfies({ labels }: Element, { conditions }: Expression & { kind: "labels" }): boolean {
  return conditions.every(({ name, value, isEqual }) => {
    return labels.pairs.some((pair) => pair[0] === name && pair[1] === value) === isEqual;
  });
}
