import { resolve } from "node:path";
import * as v from "valibot";
import { parseAddress } from "../transport/address.js";
import { longestMs, parseDuration, parseMode, parseSize } from "./quantities.js";
import { nearest } from "./suggestion.js";

// The kinds of fields a configuration has. Each error says what was found and what is allowed.

/** Node's largest buffer is not much longer; nothing here needs more. */
const gibibyte = 2 ** 30;

export function wholeNumber(least: number, most: number) {
  const error = must(`be a whole number from ${least} to ${most}`);
  return v.pipe(
    v.number(error),
    v.check((value) => Number.isInteger(value) && value >= least && value <= most, error),
  );
}

export function text() {
  const error = must("be a text that is not empty");
  return v.pipe(v.string(error), v.minLength(1, error));
}

/** A text that no message repeats. */
export function secret(allowed: string, pattern: RegExp) {
  const error = ({ input }: { readonly input?: unknown }) =>
    `${input == null ? "is missing; " : ""}must be ${allowed}`;
  return v.pipe(v.string(error), v.regex(pattern, error));
}

export function flag() {
  const words: Readonly<Record<string, boolean>> = { yes: true, on: true, no: false, off: false };
  return read("be true or false", (input) => {
    if (typeof input === "boolean") return input;
    // What YAML 1.1, and so cardano-tracer, takes for a truth value.
    if (typeof input === "string" && Object.hasOwn(words, input.toLowerCase()))
      return words[input.toLowerCase()]!;
    return undefined;
  });
}

export function choice<const Name extends string>(...names: readonly Name[]) {
  return v.picklist(names, ({ input }) => {
    const meant = typeof input === "string" ? nearest(input, names) : undefined;
    const question = meant === undefined ? "" : `; did you mean ${meant}?`;
    return `${found(input)}; must be ${listed(names)}${question}`;
  });
}

export function mapping<Fields extends v.ObjectEntries>(fields: Fields) {
  const error = must(`be a mapping of ${Object.keys(fields).join(", ")}`);
  return v.pipe(v.custom<Record<string, unknown>>(isMapping, error), object(fields));
}

/** Mappings that are told apart by the field `tag`. */
export function alternatives<Tag extends string, Alternatives extends v.VariantOptions<Tag>>(
  tag: Tag,
  options: Alternatives,
  { tags, otherwise }: { readonly tags: string; readonly otherwise: string },
) {
  return v.pipe(
    v.custom<v.InferInput<Alternatives[number]>>(isMapping, must(`be ${otherwise}`)),
    v.variant(tag, options, must(`be ${tags}`)),
  );
}

/** A mapping, as one of `alternatives`. */
export function object<Fields extends v.ObjectEntries>(fields: Fields) {
  // Of a field that is missing the library asks the mapping; what the field must be its own kind knows.
  return v.object(fields, (issue) => {
    const field = fields[issue.path?.[0]?.key as string] as { readonly message?: unknown };
    return typeof field.message === "function" ? field.message({ input: undefined }) : issue.message;
  });
}

export function list<Item extends v.GenericSchema>(item: Item, of: string) {
  return v.array(item, must(`be a list of ${of}`));
}

/** A list whose items differ. */
export function parts<const Items extends v.TupleItems>(items: Items, of: string) {
  const isWhole = (input: unknown) => Array.isArray(input) && input.length === items.length;
  return v.pipe(
    v.custom<v.InferInput<v.TupleSchema<Items, undefined>>>(isWhole, must(`be a list of ${of}`)),
    v.tuple(items),
  );
}

export function texts(of: string) {
  return v.pipe(
    v.custom<Record<string, unknown>>(isMapping, must(`be a mapping of ${of}`)),
    // The library's own `record` leaves keys such as `constructor` out without a word.
    v.rawTransform(({ dataset: { value }, addIssue }): Readonly<Record<string, string>> => {
      const message = must("be a text; write numbers in quotes");
      for (const [key, input] of Object.entries(value)) {
        if (typeof input === "string") continue;
        const place = { type: "object", origin: "value", input: value, key, value: input } as const;
        addIssue({ input, message, path: [place] });
      }
      return value as Record<string, string>;
    }),
  );
}

/** The name of a file or directory, made absolute from the working directory. */
export function fileName(of: "file" | "directory" = "file") {
  const error = must(`be the name of a ${of}`);
  return v.pipe(
    v.string(error),
    v.check((name) => name !== "" && !name.includes("\0"), error),
    v.transform((name) => resolve(name)),
  );
}

export function address() {
  const allowed = "be host:port or the name of a socket file";
  return v.pipe(
    v.string(must(allowed)),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      try {
        return parseAddress(value);
      } catch (cause) {
        addIssue({ message: must(`${allowed}: ${(cause as Error).message}`) });
        return NEVER;
      }
    }),
  );
}

export function host() {
  const error = must("be a host name or an address of this machine");
  // What Haskell's web server calls "any" is not a name.
  const any: Readonly<Record<string, string>> = {
    "*": "0.0.0.0",
    "*4": "0.0.0.0",
    "!4": "0.0.0.0",
    "*6": "::",
    "!6": "::",
  };
  return v.pipe(
    v.string(error),
    v.regex(/^[^\s\0]+$/, error),
    v.transform((name) => (Object.hasOwn(any, name) ? any[name]! : name.replace(/^\[(.*)\]$/, "$1"))),
  );
}

/** 0 is any free port. */
export function port() {
  return wholeNumber(0, 65_535);
}

/** A number of seconds above 0, fractions allowed → milliseconds. */
export function seconds() {
  const error = must("be a number of seconds above 0");
  return v.pipe(
    v.number(error),
    v.check((value) => Number.isFinite(value) && value > 0, error),
    v.transform((value) => Math.min(Math.max(1, Math.round(value * 1_000)), longestMs)),
  );
}

/** `30` (seconds) or `"500ms"`, `"30s"`, `"2m"`, `"1h"` → milliseconds. */
export function duration({ orZero }: { readonly orZero?: string } = {}) {
  const allowed = `be a number of seconds or a time such as 500ms, 30s, 2m or 1h${orZero === undefined ? ", above 0" : `; 0 ${orZero}`}`;
  return read(allowed, (input: unknown) => {
    const ms = isNumberOrText(input) ? parseDuration(input) : undefined;
    return ms === 0 && orZero === undefined ? undefined : ms;
  });
}

/** A number of bytes or `"64KiB"`, `"16MiB"`, `"1GiB"` → bytes. */
export function size(least: number, most = gibibyte) {
  const allowed = `be a number of bytes or a size such as 16MiB, from ${least / 1024}KiB to ${most / gibibyte}GiB`;
  return read(allowed, (input: unknown) => {
    const bytes = isNumberOrText(input) ? parseSize(input) : undefined;
    return bytes === undefined || bytes < least || bytes > most ? undefined : bytes;
  });
}

/** Permission bits; `least` are those without which the owner, Muninn itself, could not go on. */
export function mode({ least, example }: { readonly least: number; readonly example: string }) {
  const allowed = `be octal permission bits such as "${example}" (in quotes) or 0o${example.slice(1)}, which include 0${least.toString(8)}, what Muninn itself needs`;
  return read(allowed, (input) => {
    // A number is refused: `0640` without quotes is six hundred and forty in YAML.
    const bits = typeof input === "string" ? parseMode(input) : undefined;
    return bits === undefined || (bits & least) !== least ? undefined : bits;
  });
}

/** A field that may be absent, or null, which is the same to cardano-tracer. */
export function optional<Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  );
}

/** `value` is what a file would have. */
export function withDefault<
  Schema extends v.GenericSchema,
  const Value extends NonNullable<v.InferInput<Schema>>,
>(schema: Schema, value: Value) {
  return v.nullish(schema, value);
}

/** A mapping all of whose fields may be absent, and so may be absent itself. */
export function group<Fields extends v.ObjectEntries>(fields: Fields) {
  return withDefault(mapping(fields), {});
}

/** What was found, short enough for a message. */
export function found(input: unknown): string {
  if (input === undefined) return "is missing";
  if (input === null) return "is empty";
  if (Array.isArray(input)) return input.length === 0 ? "is an empty list" : "is a list";
  if (typeof input === "object") return "is a mapping";
  if (typeof input === "number") return `is the number ${input}`;
  const shown = typeof input === "string" ? JSON.stringify(input) : String(input);
  return `is ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`;
}

/** `a`, `a or b`, `a, b or c` */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function must(allowed: string) {
  return ({ input }: { readonly input?: unknown }) => `${found(input)}; must ${allowed}`;
}

/** Any value that `take` takes for something. */
function read<Value>(allowed: string, take: (input: unknown) => Value | undefined) {
  return v.pipe(
    v.custom<unknown>((input) => take(input) !== undefined, must(allowed)),
    v.transform((input) => take(input)!),
  );
}

function isMapping(input: unknown): boolean {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

function isNumberOrText(input: unknown): input is number | string {
  return Number.isFinite(input) || typeof input === "string";
}
