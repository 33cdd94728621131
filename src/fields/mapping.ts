import * as v from "valibot";
import { must } from "./found.js";
import {
  effectiveName,
  type Field,
  type FieldPath,
  type Fields,
  issuePath,
  type Kind,
  pathOf,
  type ValuesOf,
} from "./kind.js";

/** What is wrong with a field, and its path. */
export interface FieldIssue {
  readonly path: FieldPath;
  readonly message: string;
}

/** Most names in an error message. */
const maxNamed = 8;

/** A mapping with these fields; other keys are skipped here (`unknown-fields.ts` reports them). */
export function mapping<const Table extends Fields>(fields: Table): Kind<ValuesOf<Table>, ""> {
  const isSecret = Object.values(fields).some(({ kind }) => kind.isSecret);
  const names = currentNames(fields);
  const allowed =
    names.length > maxNamed
      ? `be a mapping of fields such as ${names.slice(0, 3).join(", ")}`
      : `be a mapping of ${names.join(", ")}`;
  return {
    allowed,
    takes: "a mapping",
    suffix: "",
    isSecret,
    inside: { fields },
    schema: v.pipe(
      v.custom<object>(isMapping, must(allowed, { isSecret })),
      v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
        const { values, issues } = readFields(fields, value);
        for (const { path, message } of issues) addIssue({ message, path: issuePath(path) });
        return issues.length > 0 ? NEVER : (values as ValuesOf<Table>);
      }),
    ),
    write: (values) => writeFields(fields, values),
    mask: (values) => {
      const masked: Record<string, unknown> = { ...values };
      for (const { name, field, value } of present(fields, values)) masked[name] = field.kind.mask(value);
      return masked as ValuesOf<Table>;
    },
  };
}

/** The valid fields, by their effective names, and what is wrong with the others. */
export function readFields(
  fields: Fields,
  input: object,
): { readonly values: Readonly<Record<string, unknown>>; readonly issues: readonly FieldIssue[] } {
  const values: Record<string, unknown> = {};
  const issues: FieldIssue[] = [];
  for (const [key, field] of Object.entries(fields)) {
    if (field.presence === "retired") continue;
    const { givenAs, value } = given(key, field, input);
    if (value === undefined && field.presence === "optional") continue;
    const result = v.safeParse(field.kind.schema, value === undefined ? field.default : value);
    if (result.success) values[effectiveName(key, field)] = result.output;
    else {
      for (const issue of result.issues)
        issues.push({ path: [givenAs, ...pathOf(issue)], message: issue.message });
    }
  }
  return { values, issues };
}

/** The mapping that `readFields` would read as these values. */
function writeFields(fields: Fields, values: object): Record<string, unknown> {
  const written = present(fields, values).map(({ key, field, value }) => [key, field.kind.write(value)]);
  return Object.fromEntries(written);
}

/** The names that may be used today. */
function currentNames(fields: Fields): string[] {
  return Object.keys(fields).filter((key) => fields[key]!.past === undefined);
}

/** The value of a field, and the name under which it is given: its own, or an earlier one. */
function given(key: string, { formerly, presence }: Field, input: object) {
  const values = input as Readonly<Record<string, unknown>>;
  const under = (name: string) => (Object.hasOwn(values, name) ? values[name] : undefined);
  const name = [key, ...Object.keys(formerly)].find((name) => under(name) != null) ?? key;
  const value = under(name);
  // Null means absent, but a required field is reported as empty.
  return { givenAs: name, value: presence === "required" ? value : (value ?? undefined) };
}

function present(fields: Fields, values: object) {
  return Object.entries(fields).flatMap(([key, field]) => {
    const name = effectiveName(key, field);
    const value = (values as Readonly<Record<string, unknown>>)[name];
    return value === undefined ? [] : [{ key, field, name, value }];
  });
}

export function isMapping(input: unknown): boolean {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}
