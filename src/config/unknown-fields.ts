import { z } from "zod";
import { type FieldPath, formatField } from "./problem.js";
import { configSchema } from "./schema.js";
import { nearest } from "./suggestion.js";

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

interface KeyWithoutField {
  readonly key: string;
  /** The mapping it stands in, and its place. */
  readonly around: z.core.$ZodType;
  readonly path: FieldPath;
}

function* keysWithoutField(
  value: unknown,
  schema: z.core.$ZodType,
  path: FieldPath,
): Generator<KeyWithoutField> {
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

function meantBy(key: string, schema: z.core.$ZodType, path: FieldPath): string | undefined {
  const fields = [...fieldsBelow(schema, path)];
  const names = fields.map((field) => String(field.at(-1)));
  const name = nearest(key, names);
  return name === undefined ? undefined : formatField(fields[names.indexOf(name)]!);
}

/** The nearest to the top first. */
function* fieldsBelow(schema: z.core.$ZodType, path: FieldPath): Generator<FieldPath> {
  const below = Object.entries(fieldsOf(schema) ?? {}).map(
    ([key, field]) => [[...path, key], field] as const,
  );
  for (const [field] of below) yield field;
  for (const [field, inside] of below) yield* fieldsBelow(inside, field);
  for (const [index, item] of itemsOf(schema).entries()) yield* fieldsBelow(item, [...path, index]);
}

/** The fields of a mapping; `undefined` where any key may stand, and where there is no mapping. */
function fieldsOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | undefined {
  return asWritten(schema).find((alternative) => alternative instanceof z.ZodObject)?.shape;
}

/** Of a list whose items differ each one, of any other list the one they all are like. */
function itemsOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  for (const alternative of asWritten(schema)) {
    if (alternative instanceof z.ZodArray) return [alternative.element];
    if (alternative instanceof z.ZodTuple) return alternative.def.items;
  }
  return [];
}

/** What may stand in a file, before transformations; alternatives that are mappings all have the same keys here. */
function asWritten(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodPipe) return asWritten(schema.in);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return asWritten(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(asWritten);
  return [schema];
}
