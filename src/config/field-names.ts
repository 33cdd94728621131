import { type AnyKind, type FieldPath, fieldsIn } from "../fields/kind.js";
import { formatField } from "./problem.js";
import { configuration } from "./schema.js";

/** The names of all fields from the top, mappings included; a list shows those of its first item: `logging[0].logRoot`. */
export function fieldNames(): string[] {
  return [...fieldsBelow(configuration, [])].map(formatField);
}

/** The fields inside a kind, without retired ones, the nearest to the top first. */
export function* fieldsBelow(kind: AnyKind, path: FieldPath): Generator<FieldPath> {
  const below = Object.entries(fieldsIn(kind) ?? {})
    .filter(([, { past }]) => past === undefined)
    .map(([key, field]) => [[...path, key], field.kind] as const);
  for (const [field] of below) yield field;
  for (const [field, inside] of below) yield* fieldsBelow(inside, field);
  for (const [index, item] of itemsIn(kind).entries()) yield* fieldsBelow(item, [...path, index]);
}

/** The kinds of a list's items: each one if they differ, otherwise the one they share. */
function itemsIn({ inside = { parts: [] } }: AnyKind): readonly AnyKind[] {
  if ("item" in inside) return [inside.item];
  return "parts" in inside ? inside.parts.map(({ kind }) => kind) : [];
}
