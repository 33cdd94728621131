import { resolve } from "node:path";
import { z } from "zod";
import { parseAddress } from "../transport/address.js";
import { longestMs, parseDuration, parseMode, parseSize } from "./quantities.js";
import { nearest } from "./suggestion.js";

// The kinds of fields a configuration has. Each error says what was found and what is allowed.

/** Node's largest buffer is not much longer; nothing here needs more. */
const gibibyte = 2 ** 30;

export function wholeNumber(least: number, most: number) {
  const error = must(`be a whole number from ${least} to ${most}`);
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export function text() {
  const error = must("be a text that is not empty");
  return z.string({ error }).min(1, { error });
}

/** A text that no message repeats. */
export function secret(allowed: string, pattern: RegExp) {
  const error = ({ input }: { input?: unknown }) =>
    `${input == null ? "is missing; " : ""}must be ${allowed}`;
  return z.string({ error }).regex(pattern, { error });
}

export function flag() {
  const words: Readonly<Record<string, boolean>> = { yes: true, on: true, no: false, off: false };
  return z.unknown().transform((input, context) => {
    if (typeof input === "boolean") return input;
    // What YAML 1.1, and so cardano-tracer, takes for a truth value.
    if (typeof input === "string" && Object.hasOwn(words, input.toLowerCase()))
      return words[input.toLowerCase()]!;
    return refuse(context, input, "be true or false");
  });
}

export function choice<const Name extends string>(...names: readonly Name[]) {
  return z.enum(names, {
    error: ({ input }) => {
      const meant = typeof input === "string" ? nearest(input, names) : undefined;
      const question = meant === undefined ? "" : `; did you mean ${meant}?`;
      return `${found(input)}; must be ${listed(names)}${question}`;
    },
  });
}

export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.object(shape, { error: must(`be a mapping of ${Object.keys(shape).join(", ")}`) });
}

export function list<Item extends z.ZodType>(item: Item, of: string) {
  return z.array(item, { error: must(`be a list of ${of}`) });
}

export function texts(of: string) {
  return z.record(z.string(), z.string({ error: must("be a text; write numbers in quotes") }), {
    error: must(`be a mapping of ${of}`),
  });
}

/** The name of a file or directory, made absolute from the working directory. */
export function fileName(of: "file" | "directory" = "file") {
  const error = must(`be the name of a ${of}`);
  return z
    .string({ error })
    .min(1, { error })
    .refine((name) => !name.includes("\0"), { error })
    .transform((name) => resolve(name));
}

export function address() {
  const allowed = "be host:port or the name of a socket file";
  return z.string({ error: must(allowed) }).transform((input, context) => {
    try {
      return parseAddress(input);
    } catch (cause) {
      return refuse(context, input, `${allowed}: ${(cause as Error).message}`);
    }
  });
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
  return z
    .string({ error })
    .regex(/^[^\s\0]+$/, { error })
    .transform((name) => (Object.hasOwn(any, name) ? any[name]! : name.replace(/^\[(.*)\]$/, "$1")));
}

/** 0 is any free port. */
export function port() {
  return wholeNumber(0, 65_535);
}

/** A number of seconds above 0, fractions allowed → milliseconds. */
export function seconds() {
  const error = must("be a number of seconds above 0");
  return z
    .number({ error })
    .positive({ error })
    .transform((value) => Math.min(Math.max(1, Math.round(value * 1_000)), longestMs));
}

/** `30` (seconds) or `"500ms"`, `"30s"`, `"2m"`, `"1h"` → milliseconds. */
export function duration({ orZero }: { readonly orZero?: string } = {}) {
  const allowed = `be a number of seconds or a time such as 500ms, 30s, 2m or 1h${orZero === undefined ? ", above 0" : `; 0 ${orZero}`}`;
  return numberOrText(allowed).transform((input, context) => {
    const ms = parseDuration(input);
    if (ms === undefined || (ms === 0 && orZero === undefined)) return refuse(context, input, allowed);
    return ms;
  });
}

/** A number of bytes or `"64KiB"`, `"16MiB"`, `"1GiB"` → bytes. */
export function size(least: number, most = gibibyte) {
  const allowed = `be a number of bytes or a size such as 16MiB, from ${least / 1024}KiB to ${most / gibibyte}GiB`;
  return numberOrText(allowed).transform((input, context) => {
    const bytes = parseSize(input);
    return bytes === undefined || bytes < least || bytes > most ? refuse(context, input, allowed) : bytes;
  });
}

/** Permission bits; `least` are those without which the owner, Muninn itself, could not go on. */
export function mode({ least, example }: { readonly least: number; readonly example: string }) {
  const allowed = `be octal permission bits such as "${example}" (in quotes) or 0o${example.slice(1)}, which include 0${least.toString(8)}, what Muninn itself needs`;
  return z.unknown().transform((input, context) => {
    // A number is refused: `0640` without quotes is six hundred and forty in YAML.
    const bits = typeof input === "string" ? parseMode(input) : undefined;
    return bits === undefined || (bits & least) !== least ? refuse(context, input, allowed) : bits;
  });
}

/** A field that may be absent, or null, which is the same to cardano-tracer. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

export function withDefault<Schema extends z.ZodType>(schema: Schema, value: z.output<Schema>) {
  return schema.nullish().transform((given) => given ?? value);
}

/** A mapping all of whose fields may be absent, and so may be absent itself. */
export function group<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const schema = mapping(shape);
  return schema.nullish().transform((given) => given ?? schema.parse({}));
}

/** The error of mappings that are told apart by the field `tag`. */
export function wrongTag(tag: string, allowedTags: string, otherwise: string) {
  return {
    error: ({ input }: { readonly input?: unknown }) =>
      typeof input === "object" && input !== null
        ? `${found((input as Record<string, unknown>)[tag])}; must be ${allowedTags}`
        : `${found(input)}; must be ${otherwise}`,
  };
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

function numberOrText(allowed: string) {
  return z.union([z.number(), z.string()], { error: must(allowed) });
}

function refuse(context: z.core.$RefinementCtx, input: unknown, allowed: string): never {
  context.issues.push({ code: "custom", input, message: `${found(input)}; must ${allowed}` });
  return z.NEVER;
}
