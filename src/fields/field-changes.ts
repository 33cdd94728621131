import { isDeepStrictEqual } from "node:util";
import { type AnyKind, effectiveName, type Field, type Fields } from "./kind.js";

/** Values of fields by their effective names. */
type ByName = Readonly<Record<string, unknown>>;

/** The fields that take effect while the program runs, by their names in a file: `verbosity`, `muninn.auth`. */
export function* liveIn(fields: Fields): Generator<string> {
  for (const [key, field] of Object.entries(fields)) {
    if (field.live) yield key;
    else for (const part of liveIn(partsOf(field) ?? {})) yield `${key}.${part}`;
  }
}

/** The values of `after` in live fields, and of `before` in all others. */
export function mixed(fields: Fields, before: ByName, after: ByName): ByName {
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const name = effectiveName(key, field);
    const inside = partsOf(field);
    const value =
      inside === undefined
        ? (field.live ? after : before)[name]
        : mixed(inside, before[name] as ByName, after[name] as ByName);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** The fields that differ, by their names in a file. A mapping counts as one field, unless only some of its parts are live. */
export function* differing(fields: Fields, before: ByName, after: ByName): Generator<string> {
  for (const [key, field] of Object.entries(fields)) {
    const name = effectiveName(key, field);
    if (isDeepStrictEqual(before[name], after[name])) continue;
    const inside = partsOf(field);
    if (inside === undefined) {
      yield key;
    } else {
      const parts = differing(inside, before[name] as ByName, after[name] as ByName);
      for (const part of parts) yield `${key}.${part}`;
    }
  }
}

/** The fields of a mapping that is always present, and of which only some are live. */
function partsOf({ kind, live, presence }: Field): Fields | undefined {
  if (live || presence !== "defaulting" || !holdsLive(kind)) return undefined;
  return kind.inside !== undefined && "fields" in kind.inside ? kind.inside.fields : undefined;
}

function holdsLive({ inside }: AnyKind): boolean {
  if (inside === undefined || !("fields" in inside)) return false;
  return Object.values(inside.fields).some(({ live, kind }) => live || holdsLive(kind));
}
