import type { LabelSet } from "../store/labels.js";
import type { Meter } from "./meter.js";
import { QueryError } from "./query-fault.js";
import {
  Closure,
  Duration,
  InstantVector,
  List,
  Metric,
  Pair,
  RangeVector,
  Timestamp,
  Unit,
  type Value,
} from "./values.js";

/** Deepest nesting of vectors: each is a text in the outer one, which doubles the backslashes before every quote. */
const maxDepth = 4;

/** The JSON of an answer, piece by piece, in the form of cardano-tracer 0.5. */
export function* answerPieces(value: Value, meter: Meter): Generator<string, void> {
  yield '{"status":"success","data":';
  for (const piece of valuePieces(value)) {
    meter.charge(piece.length);
    meter.isDue(8);
    yield piece;
  }
  yield "}";
}

/** `depth`: how many vectors contain it. */
function* valuePieces(value: Value, depth = 0): Generator<string, void> {
  if (typeof value === "number") yield typed("scalar", jsonNumber(value));
  else if (typeof value === "boolean") yield `{"resultType":"${value ? "truth" : "falsity"}"}`;
  else if (typeof value === "string") yield typed("text", JSON.stringify(value));
  else if (value instanceof Timestamp) yield typed("timestamp", String(value.ms / 1_000));
  else if (value instanceof Duration) yield typed("duration", String(value.ms / 1_000));
  else if (value instanceof Unit) yield '{"resultType":"unit"}';
  else if (value instanceof Pair) {
    yield '{"resultType":"pair","fst":';
    yield* valuePieces(value.first, depth);
    yield ',"snd":';
    yield* valuePieces(value.second, depth);
    yield "}";
  } else if (value instanceof List) yield* listPieces(value);
  else if (value instanceof InstantVector) yield* vectorPieces(value, depth);
  else if (value instanceof RangeVector) yield* matrixPieces(value, depth);
  else if (value instanceof Metric || value instanceof Closure) yield '{"resultType":"function"}';
}

/** A list is nested pairs. Written without recursion, because there are thousands of names. */
function* listPieces({ items }: List): Generator<string, void> {
  for (const item of items) {
    yield '{"resultType":"cons","head":';
    yield* valuePieces(item);
    yield ',"tail":';
  }
  yield '{"resultType":"nil"}';
  for (const _ of items) yield "}";
}

function* vectorPieces({ elements }: InstantVector, depth: number): Generator<string, void> {
  yield '{"resultType":"vector","result":[';
  for (const [index, { labels, time, value }] of elements.entries()) {
    yield `${index === 0 ? "" : ","}{"metric":${jsonLabels(labels)},"value":[${time / 1_000},"`;
    yield* textPieces(value, depth);
    yield '"]}';
  }
  yield "]}";
}

/** Like the original, in descending order of labels. */
function* matrixPieces({ series }: RangeVector, depth: number): Generator<string, void> {
  yield '{"resultType":"matrix","result":[';
  for (const [index, { labels, times, values }] of series.toReversed().entries()) {
    yield `${index === 0 ? "" : ","}{"metric":${jsonLabels(labels)},"values":[`;
    for (let n = 0; n < values.length; n += 1) {
      const value = values[n]!;
      const begin = `${n === 0 ? "" : ","}[${times[n]! / 1_000},"`;
      if (typeof value === "number") {
        yield `${begin}${decimalText(value)}"]`;
        continue;
      }
      yield begin;
      yield* textPieces(value, depth);
      yield '"]';
    }
    yield "]}";
  }
  yield "]}";
}

/** A value inside a vector, as part of a JSON text. */
function* textPieces(value: Value, depth: number): Generator<string, void> {
  if (typeof value === "number") yield decimalText(value);
  else if (typeof value === "boolean") yield String(value);
  else if (typeof value === "string") yield escaped(JSON.stringify(value));
  else if (value instanceof Timestamp) yield String(value.ms);
  else if (value instanceof Duration) yield `${value.ms}ms`;
  else if (value instanceof Unit) yield "()";
  else if (value instanceof Pair) {
    yield "(";
    yield* textPieces(value.first, depth);
    yield ", ";
    yield* textPieces(value.second, depth);
    yield ")";
  } else yield* nestedPieces(value, depth + 1);
}

/** Values without a text form of their own: vectors in vectors, and functions. */
function* nestedPieces(value: Value, depth: number): Generator<string, void> {
  if (value instanceof Metric || value instanceof Closure) {
    yield "<function>";
    return;
  }
  if (depth > maxDepth) throw new QueryError({ code: "too-nested", limit: maxDepth });
  for (const piece of valuePieces(value, depth)) yield escaped(piece);
}

function typed(resultType: string, result: string): string {
  return `{"resultType":"${resultType}","result":${result}}`;
}

/** JSON has only finite numbers. */
function jsonNumber(x: number): string {
  if (Number.isFinite(x)) return JSON.stringify(x);
  if (Number.isNaN(x)) return "null";
  return x > 0 ? '"+inf"' : '"-inf"';
}

/** `42.0`, `0.001`: all digits, never an exponent, always a fraction. */
function decimalText(x: number): string {
  if (Number.isInteger(x) && Math.abs(x) < 1e21) return `${Object.is(x, -0) ? "-0" : x}.0`;
  const text = String(x);
  const [, sign, whole, fraction = "", exponent] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const power = Number(exponent);
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${whole}${fraction}`;
  return `${sign}${whole}${fraction.padEnd(power, "0")}.0`;
}

function jsonLabels({ pairs }: LabelSet): string {
  return JSON.stringify(Object.fromEntries(pairs));
}

/** The text between the quotes of a JSON string. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
