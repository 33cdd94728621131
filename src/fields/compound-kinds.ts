import * as v from "valibot";
import { required } from "./field.js";
import { must } from "./found.js";
import { type AnyKind, type Field, issuePath, type Kind, pathOf, type ValueOf, wordOf } from "./kind.js";
import { type FieldIssue, isMapping, mapping } from "./mapping.js";
import { choice } from "./plain-kinds.js";

/** A list of values of one kind; `of` names them: "addresses". A list that must not be empty has `leastOne`: "address". */
export function list<Value>(
  item: Kind<Value>,
  of: string,
  { leastOne }: { readonly leastOne?: string } = {},
): Kind<readonly Value[], ""> {
  const allowed = `be a list of ${of}`;
  const anyList = v.array(item.schema, must(allowed, item));
  return {
    allowed,
    takes: `a list of ${of}`,
    suffix: "",
    isSecret: item.isSecret,
    inside: { item },
    schema:
      leastOne === undefined
        ? anyList
        : v.pipe(anyList, v.minLength(1, `is an empty list; must have at least one ${leastOne}`)),
    write: (values) => values.map((value) => item.write(value)),
    mask: (values) => values.map((value) => item.mask(value)),
  };
}

/** A list with one value for each of `parts`, each of its own kind. */
export function parts<const Parts extends readonly Field[]>(
  parts: Parts,
  of: string,
): Kind<{ readonly [Index in keyof Parts]: PartOf<Parts[Index]> }, ""> {
  type Values = { readonly [Index in keyof Parts]: PartOf<Parts[Index]> };
  const allowed = `be a list of ${of}`;
  const isSecret = parts.some(({ kind }) => kind.isSecret);
  const isWhole = (input: unknown) => Array.isArray(input) && input.length === parts.length;
  const schemas = parts.map(({ kind, presence, default: written }) => {
    if (presence === "required") return kind.schema;
    return v.pipe(
      v.nullish(kind.schema, written as object),
      v.transform((value) => value ?? undefined),
    );
  });
  const each = (values: Values, change: (kind: AnyKind, value: unknown) => unknown) =>
    parts.map(({ kind }, index) => (values[index] === undefined ? undefined : change(kind, values[index])));
  return {
    allowed,
    takes: `a list of ${of}`,
    suffix: "",
    isSecret,
    inside: { parts },
    schema: v.pipe(
      v.custom<unknown[]>(isWhole, must(allowed, { isSecret })),
      v.tuple(schemas as v.TupleItems),
    ) as unknown as v.GenericSchema<unknown, Values>,
    write: (values) => each(values, (kind, value) => kind.write(value)).map((part) => part ?? null),
    mask: (values) => each(values, (kind, value) => kind.mask(value)) as unknown as Values,
  };
}

type PartOf<Part> =
  Part extends Field<infer Value, infer Presence>
    ? Presence extends "optional"
      ? Value | undefined
      : Value
    : never;

/**
 * Mappings distinguished by the field `tag`, whose words are the keys of `table`; `otherwise` describes them all, after
 * "be". In the effective value the tag is called `as`.
 */
export function alternatives<
  const Table extends Readonly<Record<string, Kind<object>>>,
  const Tag extends string,
  const As extends string = Tag,
>(
  tag: Tag,
  table: Table,
  described: { readonly otherwise: string; readonly doc: string; readonly as?: As },
): Kind<{ [Word in keyof Table]: { readonly [Key in As]: Word } & ValueOf<Table[Word]> }[keyof Table], ""> {
  type Value = { [Word in keyof Table]: { readonly [Key in As]: Word } & ValueOf<Table[Word]> }[keyof Table];
  const as = described.as ?? tag;
  const isSecret = Object.values(table).some((kind) => kind.isSecret);
  const tagField = required(choice(...Object.keys(table)), described.doc);
  const allowed = `be ${described.otherwise}`;
  const kindOf = (value: Value) => table[(value as Record<string, unknown>)[as] as string]!;
  return {
    allowed,
    takes: described.otherwise,
    suffix: "",
    isSecret,
    inside: { tag, tagField, table },
    schema: v.pipe(
      v.custom<object>(isMapping, must(allowed, { isSecret })),
      v.rawTransform(({ dataset: { value: input }, addIssue, NEVER }) => {
        const word = wordOf(input, tag);
        if (word === undefined || !Object.hasOwn(table, word)) {
          for (const { path, message } of [
            ...issuesOf(mapping({ [tag]: tagField }), input),
            ...sharedIssues(Object.values(table), input),
          ])
            addIssue({ message, path: issuePath(path) });
          return NEVER;
        }
        const result = v.safeParse(table[word]!.schema, input);
        if (result.success) return { [as]: word, ...result.output } as Value;
        for (const issue of result.issues)
          addIssue({ message: issue.message, path: issuePath(pathOf(issue)) });
        return NEVER;
      }),
    ),
    write: (value) => ({
      [tag]: (value as Record<string, unknown>)[as],
      ...(kindOf(value).write(value) as object),
    }),
    mask: (value) => ({ ...value, ...kindOf(value).mask(value) }),
  };
}

/** A kind that was once a list, of which the first item counts; `doubt` is the warning. */
export function orFirstOf<Value>(kind: Kind<Value, "">, doubt: string): Kind<Value, ""> {
  const first = v.pipe(
    v.array(v.unknown()),
    v.transform((items) => items.slice(0, 1)),
    v.tuple([kind.schema]),
    v.transform(([value]) => value),
  );
  return {
    ...kind,
    schema: v.lazy((input) => (isWholeList(input) ? first : kind.schema)),
    doubt: (input) => (isWholeList(input) ? doubt : undefined),
  };
}

function isWholeList(input: unknown): boolean {
  return Array.isArray(input) && input.length > 0;
}

/** Errors that all of these kinds report: they are wrong whichever kind was meant. */
function sharedIssues(kinds: readonly AnyKind[], input: unknown): readonly FieldIssue[] {
  const [first = [], ...others] = kinds.map((kind) => issuesOf(kind, input));
  return first.filter(({ path }) =>
    others.every((issues) => issues.some((other) => other.path.join() === path.join())),
  );
}

function issuesOf({ schema }: AnyKind, input: unknown): FieldIssue[] {
  const { issues = [] } = v.safeParse(schema, input);
  return issues.map((issue) => ({ path: pathOf(issue), message: issue.message }));
}

/** Converts what `kind` reads to `Value`, and back when it is written. */
export function converted<From, Value>(
  kind: Kind<From>,
  to: (from: From) => Value,
  back: (value: Value) => From,
): Kind<Value, ""> {
  return {
    ...kind,
    suffix: "",
    schema: v.pipe(kind.schema, v.transform(to)),
    write: (value) => kind.write(back(value)),
    mask: (value) => to(kind.mask(back(value))),
  };
}

/** A kind with a rule between its fields: `broken` says where it is broken, and what is wrong. */
export function ruled<Value>(
  kind: Kind<Value, "">,
  broken: (value: Value) => FieldIssue | undefined,
): Kind<Value, ""> {
  return {
    ...kind,
    schema: v.pipe(
      kind.schema,
      v.rawCheck(({ dataset, addIssue }) => {
        const issue = dataset.typed ? broken(dataset.value) : undefined;
        if (issue !== undefined) addIssue({ message: issue.message, path: issuePath(issue.path) });
      }),
    ),
  };
}
