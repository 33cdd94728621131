import { nearest } from "../fields/suggestion.js";
import { type FieldPath, formatField } from "./problem.js";
import { configSchema } from "./schema.js";

export interface UnknownField {
  readonly path: FieldPath;
  /** The field that the writer may have meant, from the top: `muninn.registry.maxOpenFiles`. */
  readonly meant?: string;
}

/** Every key of a configuration that no field has, at any depth. */
export function unknownFields(configuration: unknown): UnknownField[] {
  return [...keysWithoutField(configuration, configSchema, [])].map(({ key, around, path }) => {
    const meant = meantBy(key, around, path) ?? meantBy(key, configSchema, []);
    return { path: [...path, key], ...(meant !== undefined && { meant }) };
  });
}

/** The names of all fields from the top, mappings included; a list has its first item's: `logging[0].logRoot`. */
export function fieldNames(): string[] {
  return [...fieldsBelow(configSchema, [])].map(formatField);
}

/** What a schema of valibot says of its inside, by its kind. */
interface Schema {
  readonly kind: string;
  /** A mapping's. */
  readonly entries?: Readonly<Record<string, Schema>>;
  /** A list's. */
  readonly item?: Schema;
  /** Those of a list whose items differ. */
  readonly items?: readonly Schema[];
  readonly wrapped?: Schema;
  /** Alternatives; of a choice of words the words. */
  readonly options?: readonly (Schema | string)[];
  /** First what may stand in a file, then what is made of it. */
  readonly pipe?: readonly Schema[];
}

interface KeyWithoutField {
  readonly key: string;
  /** The mapping it stands in, and its place. */
  readonly around: Schema;
  readonly path: FieldPath;
}

function* keysWithoutField(value: unknown, schema: Schema, path: FieldPath): Generator<KeyWithoutField> {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const [index, item] of value.entries()) {
      const below = items.length === 1 ? items[0] : items[index];
      if (below !== undefined) yield* keysWithoutField(item, below, [...path, index]);
    }
  } else if (typeof value === "object" && value !== null) {
    const fields = fieldsOf(schema);
    if (fields === undefined) return;
    for (const [key, item] of Object.entries(value)) {
      if (Object.hasOwn(fields, key)) yield* keysWithoutField(item, fields[key]!, [...path, key]);
      else yield { key, around: schema, path };
    }
  }
}

function meantBy(key: string, schema: Schema, path: FieldPath): string | undefined {
  const fields = [...fieldsBelow(schema, path)];
  const names = fields.map((field) => String(field.at(-1)));
  const name = nearest(key, names);
  return name === undefined ? undefined : formatField(fields[names.indexOf(name)]!);
}

/** The nearest to the top first. */
function* fieldsBelow(schema: Schema, path: FieldPath): Generator<FieldPath> {
  const below = Object.entries(fieldsOf(schema) ?? {}).map(
    ([key, field]) => [[...path, key], field] as const,
  );
  for (const [field] of below) yield field;
  for (const [field, inside] of below) yield* fieldsBelow(inside, field);
  for (const [index, item] of itemsOf(schema).entries()) yield* fieldsBelow(item, [...path, index]);
}

/** The fields of a mapping; `undefined` where any key may stand, and where there is no mapping. */
function fieldsOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  return asWritten(schema).find(({ entries }) => entries !== undefined)?.entries;
}

/** Of a list whose items differ each one, of any other list the one they all are like. */
function itemsOf(schema: Schema): readonly Schema[] {
  const list = asWritten(schema).find(({ item, items }) => item !== undefined || items !== undefined);
  return list?.items ?? (list === undefined ? [] : [list.item!]);
}

/** What may stand in a file, before transformations; alternatives that are mappings all have the same keys here. */
function asWritten(schema: Schema): readonly Schema[] {
  const inside = schema.pipe ?? schema.options ?? (schema.wrapped && [schema.wrapped]);
  return inside === undefined
    ? [schema]
    : inside.filter((part) => typeof part === "object").flatMap(asWritten);
}
