import * as v from "valibot";
import { type Field, type FieldPresence, type Fields, type Kind, plain, type ValuesOf } from "./kind.js";
import { mapping } from "./mapping.js";

interface FieldOptions {
  readonly as?: string;
  /** @default false */
  readonly live?: boolean;
  readonly formerly?: Readonly<Record<string, string>>;
  readonly past?: string;
}

/** The name given to a field by its options, if any. */
type AsOf<Options> = Options extends { readonly as: infer As extends string } ? As : undefined;

function field<Value, Suffix extends string, Presence extends FieldPresence, Options extends FieldOptions>(
  kind: Kind<Value, Suffix>,
  presence: Presence,
  doc: string,
  options: Options,
): Field<Value, Presence, AsOf<Options>, Suffix> {
  return { live: false, formerly: {}, ...(options as object), kind, presence, doc };
}

/** A field that is required if the mapping around it is present. */
export function required<Value, Suffix extends string, const Options extends FieldOptions = FieldOptions>(
  kind: Kind<Value, Suffix>,
  doc: string,
  options: Options = {} as Options,
): Field<Value, "required", AsOf<Options>, Suffix> {
  return field(kind, "required", doc, options);
}

/** A field that may be absent, or null, which is the same to cardano-tracer. */
export function optional<Value, Suffix extends string, const Options extends FieldOptions = FieldOptions>(
  kind: Kind<Value, Suffix>,
  doc: string,
  options: Options & { readonly default?: unknown } = {} as Options,
): Field<Value, "optional", AsOf<Options>, Suffix> {
  return field(kind, "optional", doc, options);
}

/** A field that, if absent or null, has the value `written`, given as in a file. */
export function withDefault<Value, Suffix extends string, const Options extends FieldOptions = FieldOptions>(
  kind: Kind<Value, Suffix>,
  written: string | number | boolean | object,
  doc: string,
  options: Options = {} as Options,
): Field<Value, "defaulting", AsOf<Options>, Suffix> {
  return { ...field(kind, "defaulting", doc, options), default: written };
}

/** A mapping that may be absent because all its fields may be. */
export function group<const Table extends Fields>(
  fields: Table,
  options: Omit<FieldOptions, "as"> = {},
): Field<ValuesOf<Table>, "defaulting", undefined, ""> {
  return withDefault(mapping(fields), {}, "", options);
}

/** A field that no longer has an effect, whatever its value. */
export function retired(past: string): Field<never, "retired", undefined, ""> {
  const anything = plain(v.unknown() as v.GenericSchema<unknown, never>, { allowed: "", takes: "" });
  return field(anything, "retired", "", { past });
}
