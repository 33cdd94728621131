import { editDistance } from "../../fields/suggestion.js";
import type { Meter } from "./meter.js";
import { placeIn, QueryError } from "./query-fault.js";
import type { Expression } from "./syntax.js";

/** Most names suggested for a mistyped one. */
const maxSuggestions = 5;

/** Longer names are not typing errors, and their distance would take long to compute. */
const longestName = 128;

interface KnownNames {
  names(): readonly string[];
  knows(metric: string): boolean;
}

/** The names bound in an expression, the innermost first. */
interface Bound {
  readonly name: string;
  readonly outer: Bound | undefined;
}

/**
 * Checks that every name in a query is known, also in parts that will not be evaluated.
 *
 * @throws QueryError of the type `bad_data`
 */
export function* checkNames(
  query: string,
  expression: Expression,
  known: KnownNames,
  meter: Meter,
): Generator<void, void> {
  const unknown = yield* firstUnknown(expression, undefined, { known, meter });
  if (unknown === undefined) return;
  const { code, at, name, bound } = unknown;
  const place = placeIn(query, at);
  if (code === "unsupported") throw new QueryError({ code, place, name });
  const near = yield* nearNames(name, [...boundNames(bound), ...known.names()], meter);
  throw new QueryError({ code, place, name, near });
}

interface Unknown {
  readonly code: "undefined-name" | "unsupported";
  readonly at: number;
  readonly name: string;
  readonly bound: Bound | undefined;
}

/** Where names are searched. */
interface Search {
  readonly known: KnownNames;
  readonly meter: Meter;
}

function* firstUnknown(
  expression: Expression,
  bound: Bound | undefined,
  search: Search,
): Generator<void, Unknown | undefined> {
  switch (expression.kind) {
    case "name":
      return yield* unlessKnown(expression, bound, search);
    case "let": {
      const { name, value, body } = expression;
      return (
        (yield* firstUnknown(value, bound, search)) ??
        (yield* firstUnknown(body, { name, outer: bound }, search))
      );
    }
    case "lambda":
      return yield* firstUnknown(expression.body, { name: expression.parameter, outer: bound }, search);
    case "pair":
      return yield* firstOf([expression.first, expression.second], bound, search);
    case "application":
      return yield* firstOf([expression.applied, expression.argument], bound, search);
    case "builtin":
      return yield* ofBuiltin(expression, bound, search);
    case "binary":
      return yield* firstOf([expression.left, expression.right], bound, search);
    case "not":
      return yield* firstUnknown(expression.operand, bound, search);
    case "range": {
      const { of, from, to, step } = expression;
      return yield* firstOf([of, from, to, ...(step === undefined ? [] : [step])], bound, search);
    }
    case "labels":
      return yield* firstUnknown(expression.of, bound, search);
    default:
      return undefined;
  }
}

function* firstOf(
  parts: readonly Expression[],
  bound: Bound | undefined,
  search: Search,
): Generator<void, Unknown | undefined> {
  for (const part of parts) {
    const unknown = yield* firstUnknown(part, bound, search);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

function* unlessKnown(
  { name, at }: Expression & { kind: "name" },
  bound: Bound | undefined,
  { known, meter }: Search,
): Generator<void, Unknown | undefined> {
  let passed = 1;
  let each = bound;
  for (; each !== undefined && each.name !== name; each = each.outer) passed += 1;
  if (meter.isDue(passed)) yield;
  return each !== undefined || known.knows(name) ? undefined : { code: "undefined-name", at, name, bound };
}

/** `earliest` and `latest` are parsed but, as in the original, not supported. */
function* ofBuiltin(
  { name, arguments: given, at }: Expression & { kind: "builtin" },
  bound: Bound | undefined,
  search: Search,
): Generator<void, Unknown | undefined> {
  const unknown = yield* firstOf(given, bound, search);
  if (unknown !== undefined) return unknown;
  const isSupported = name !== "earliest" && name !== "latest";
  return isSupported ? undefined : { code: "unsupported", at, name, bound };
}

function* boundNames(bound: Bound | undefined): Generator<string> {
  for (let each = bound; each !== undefined; each = each.outer) yield each.name;
}

/** Similar names, the nearest first. */
function* nearNames(
  name: string,
  candidates: readonly string[],
  meter: Meter,
): Generator<void, readonly string[]> {
  const allowed = Math.max(1, Math.floor(name.length / 3));
  const near: { candidate: string; distance: number }[] = [];
  if (name.length > longestName) return [];
  for (const candidate of new Set(candidates)) {
    if (meter.isDue()) yield;
    if (Math.abs(candidate.length - name.length) > allowed) continue;
    const distance = editDistance(name, candidate);
    if (distance <= allowed) near.push({ candidate, distance });
    if (meter.isDue(name.length * candidate.length)) yield;
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, maxSuggestions)
    .map(({ candidate }) => candidate);
}
