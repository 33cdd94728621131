import type * as v from "valibot";

/** Keys and list positions that lead from the top of a configuration to a value. */
export type FieldPath = readonly (string | number)[];

/**
 * What a field of a configuration may contain. `Value` is its meaning, in milliseconds, bytes and absolute names. `Suffix`
 * is appended to the field's name if `Value` has another unit than the file (`idleTimeout` in a file is `idleTimeoutMs`
 * here).
 */
export interface Kind<Value, Suffix extends string = string> {
  /** Reads and checks the value in a file. An issue says what was found and what is allowed. */
  readonly schema: v.GenericSchema<unknown, Value>;
  /** What is allowed, after "must": `be true or false`. */
  readonly allowed: string;
  /** The same in a few words, for the table in the documentation. */
  readonly takes: string;
  readonly suffix: Suffix;
  /** The unit of a bare number, if the field's name does not show it. */
  readonly unit?: "seconds" | "milliseconds";
  /** Whether it is, or contains, a secret: then no message repeats the value in the file. */
  readonly isSecret: boolean;
  /** Fields or items inside. */
  readonly inside?: Inside;
  /** The value as it would be written in a file: `schema` reads it as the same. */
  write(value: Value): unknown;
  /** The same with secrets replaced by asterisks. */
  mask(value: Value): Value;
  /** The warning for a value that is accepted, but is an old form or surely a mistake. */
  doubt?(input: unknown): string | undefined;
}

export type AnyKind = Kind<unknown>;

type Inside =
  /** A mapping. */
  | { readonly fields: Fields }
  /** Mappings distinguished by the word in the field `tag`. */
  | { readonly tag: string; readonly tagField: Field; readonly table: Readonly<Record<string, AnyKind>> }
  /** A list of values of one kind. */
  | { readonly item: AnyKind }
  /** A list of values of different kinds. */
  | { readonly parts: readonly Field[] };

/** The single description of a configuration's field, from which everything else about it is derived. */
export interface Field<
  Value = unknown,
  Presence extends FieldPresence = FieldPresence,
  As extends string | undefined = string | undefined,
  Suffix extends string = string,
> {
  readonly kind: Kind<Value, Suffix>;
  readonly presence: Presence;
  /** The default, as written in a file; for an `optional` field the mapping around it provides it. */
  readonly default?: unknown;
  /**
   * For the documentation: its purpose, in a few words for a table. For a mapping it is put before the purpose of each field
   * in it ("for `hasEKG`: what clients must show").
   */
  readonly doc: string;
  /** Its name in the effective configuration, if that differs from the file's. */
  readonly as?: Exclude<As, undefined>;
  /** Whether a reload (SIGHUP) applies a change of it, or of anything inside; otherwise it needs a restart. */
  readonly live: boolean;
  /** The warning for a retired field, which is not documented. */
  readonly past?: string;
  /** Earlier names, with the warning for each. If the field itself is absent, the value of the first one given counts. */
  readonly formerly: Readonly<Record<string, string>>;
}

/** `retired`: its value is not used. */
export type FieldPresence = "required" | "optional" | "defaulting" | "retired";

export type Fields = Readonly<Record<string, Field>>;

export type ValueOf<Of> =
  Of extends Kind<infer Value> ? Value : Of extends Field<infer Value> ? Value : never;

type NameOf<Key extends string, Of> =
  Of extends Field<unknown, FieldPresence, infer As, infer Suffix>
    ? As extends string
      ? As
      : `${Key}${Suffix}`
    : never;

/** The values of a mapping by their effective names; an optional field is absent, never `undefined`. */
export type ValuesOf<Table extends Fields> = Flat<
  {
    readonly [Key in keyof Table & string as Table[Key]["presence"] extends "required" | "defaulting"
      ? NameOf<Key, Table[Key]>
      : never]: ValueOf<Table[Key]>;
  } & {
    readonly [Key in keyof Table & string as Table[Key]["presence"] extends "optional"
      ? NameOf<Key, Table[Key]>
      : never]?: ValueOf<Table[Key]>;
  }
>;

type Flat<T> = { [Key in keyof T]: T[Key] };

/** The fields that may be in a mapping of this kind; `undefined` if any may, or if there is no mapping. */
export function fieldsIn(kind: AnyKind, input?: unknown): Fields | undefined {
  const { inside } = kind;
  if (inside === undefined) return undefined;
  if ("fields" in inside) return inside.fields;
  if (!("tag" in inside)) return undefined;
  const { tag, tagField, table } = inside;
  const word = wordOf(input, tag);
  const alternatives =
    word !== undefined && Object.hasOwn(table, word) ? [table[word]!] : Object.values(table);
  return Object.assign({ [tag]: tagField }, ...alternatives.map((one) => fieldsIn(one)).toReversed());
}

/** The value of a given mapping's tag. */
export function wordOf(input: unknown, tag: string): string | undefined {
  const word = (input as Readonly<Record<string, unknown>> | null | undefined)?.[tag];
  return typeof word === "string" ? word : undefined;
}

/** The name of a field in the effective configuration. */
export function effectiveName(key: string, { as, kind }: Field): string {
  return as ?? `${key}${kind.suffix}`;
}

/** A kind without fields or items inside, from a schema. */
export function plain<Value, const Suffix extends string = "">(
  schema: v.GenericSchema<unknown, Value>,
  described: {
    readonly allowed: string;
    readonly takes: string;
    readonly suffix?: Suffix;
    readonly unit?: "seconds" | "milliseconds";
    /** @default the value itself */
    readonly write?: (value: Value) => unknown;
  },
): Kind<Value, Suffix> {
  return {
    write: (value) => value,
    mask: (value) => value,
    isSecret: false,
    suffix: "" as Suffix,
    ...described,
    schema,
  };
}

/** The place of an issue, as the library wants it. */
export function issuePath(path: FieldPath): [v.IssuePathItem, ...v.IssuePathItem[]] | undefined {
  const items = path.map(
    (key) => ({ type: "unknown", origin: "value", input: undefined, key, value: undefined }) as const,
  );
  return items.length === 0 ? undefined : (items as unknown as [v.IssuePathItem]);
}

/** The path from the value that a schema was given to the wrong part. */
export function pathOf(issue: v.BaseIssue<unknown>): FieldPath {
  return (issue.path ?? []).map(({ key }) => key as string | number);
}
