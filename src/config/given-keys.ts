import { type AnyKind, type Field, type FieldPath, type Fields, fieldsIn } from "../fields/kind.js";

/** A key of a configuration. */
export interface GivenKey {
  readonly path: FieldPath;
  readonly value: unknown;
  /** The field of that name; absent if there is none. */
  readonly field?: Field;
  /** The warning, if it is the earlier name of one or several fields. */
  readonly former?: string;
  /** The mapping it is in. */
  readonly around: AnyKind;
}

/** Every key of a configuration at which a field could be, at any depth, in the order of the file. */
export function* givenKeys(value: unknown, kind: AnyKind, path: FieldPath = []): Generator<GivenKey> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const below = itemOf(kind, index);
      if (below !== undefined) yield* givenKeys(item, below, [...path, index]);
    }
  } else if (typeof value === "object" && value !== null) {
    const fields = fieldsIn(kind, value);
    if (fields === undefined) return;
    const former = formerNames(fields);
    for (const [key, item] of Object.entries(value)) {
      const at = { path: [...path, key], value: item, around: kind };
      if (Object.hasOwn(fields, key)) {
        const field = fields[key]!;
        yield { ...at, field };
        yield* givenKeys(item, field.kind, at.path);
      } else {
        const said = former.get(key);
        yield said === undefined ? at : { ...at, former: said };
      }
    }
  }
}

function formerNames(fields: Fields): ReadonlyMap<string, string> {
  return new Map(Object.values(fields).flatMap(({ formerly }) => Object.entries(formerly)));
}

function itemOf({ inside = { parts: [] } }: AnyKind, index: number): AnyKind | undefined {
  if ("item" in inside) return inside.item;
  return "parts" in inside ? inside.parts[index]?.kind : undefined;
}
