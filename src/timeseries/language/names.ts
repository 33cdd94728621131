import { editDistance } from "../../fields/suggestion.js";
import type { Meter } from "./meter.js";
import { placeIn, QueryError } from "./query-fault.js";
import type { Expression } from "./syntax.js";

/** Most names suggested for a mistyped one. */
const maxSuggestions = 5;

/** The distance of longer ones takes long to find, and they are not slips. */
const longestName = 128;

interface KnownNames {
  names(): readonly string[];
  knows(metric: string): boolean;
}

/** Names that are bound where an expression is, the innermost first. */
interface Bound {
  readonly name: string;
  readonly outer: Bound | undefined;
}

/**
 * Finds out whether every name of a query means something, also where it will not be evaluated.
 *
 * @throws QueryError of the type `bad_data`
 */
export function* checkNames(
  query: string,
  expression: Expression,
  known: KnownNames,
  meter: Meter,
): Generator<void, void> {
  const unknown = firstUnknown(expression, undefined, known);
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

function firstUnknown(
  expression: Expression,
  bound: Bound | undefined,
  known: KnownNames,
): Unknown | undefined {
  const inside = (part: Expression) => firstUnknown(part, bound, known);
  switch (expression.kind) {
    case "name": {
      const { name, at } = expression;
      return isBound(name, bound) || known.knows(name)
        ? undefined
        : { code: "undefined-name", at, name, bound };
    }
    case "let":
      return (
        inside(expression.value) ??
        firstUnknown(expression.body, { name: expression.name, outer: bound }, known)
      );
    case "lambda":
      return firstUnknown(expression.body, { name: expression.parameter, outer: bound }, known);
    case "pair":
      return inside(expression.first) ?? inside(expression.second);
    case "application":
      return inside(expression.applied) ?? inside(expression.argument);
    case "builtin":
      return ofBuiltin(expression, bound, known);
    case "binary":
      return inside(expression.left) ?? inside(expression.right);
    case "not":
      return inside(expression.operand);
    case "range":
      return (
        inside(expression.of) ??
        inside(expression.from) ??
        inside(expression.to) ??
        (expression.step && inside(expression.step))
      );
    case "labels":
      return inside(expression.of);
    default:
      return undefined;
  }
}

/** `earliest` and `latest` are read, and mean nothing in the original either. */
function ofBuiltin(
  { name, arguments: given, at }: Expression & { kind: "builtin" },
  bound: Bound | undefined,
  known: KnownNames,
): Unknown | undefined {
  for (const argument of given) {
    const unknown = firstUnknown(argument, bound, known);
    if (unknown !== undefined) return unknown;
  }
  const isSupported = name !== "earliest" && name !== "latest";
  return isSupported ? undefined : { code: "unsupported", at, name, bound };
}

function isBound(name: string, bound: Bound | undefined): boolean {
  for (const each of boundNames(bound)) if (each === name) return true;
  return false;
}

function* boundNames(bound: Bound | undefined): Generator<string> {
  for (let each = bound; each !== undefined; each = each.outer) yield each.name;
}

/** The nearest first. */
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
