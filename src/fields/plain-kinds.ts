import { resolve } from "node:path";
import * as v from "valibot";
import { formatAddress, parseAddress } from "../transport/address.js";
import { found, listed, must } from "./found.js";
import { issuePath, type Kind, plain } from "./kind.js";
import { isMapping } from "./mapping.js";
import {
  formatDuration,
  formatMode,
  formatSize,
  longestMs,
  parseDuration,
  parseMode,
  parseSize,
} from "./quantities.js";
import { nearest } from "./suggestion.js";

// The simple kinds of fields. Each error says what was found and what is allowed.

/** Node's largest buffer is not much longer; nothing here needs more. */
const gibibyte = 2 ** 30;

export function wholeNumber(least: number, most: number): Kind<number, ""> {
  const allowed = `be a whole number from ${least} to ${most}`;
  return plain(wholeNumberSchema(least, most, allowed), {
    allowed,
    takes: most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least}–${most}`,
  });
}

function wholeNumberSchema(least: number, most: number, allowed: string) {
  return v.pipe(
    v.number(must(allowed)),
    v.check((value) => Number.isInteger(value) && value >= least && value <= most, must(allowed)),
  );
}

export function text(): Kind<string, ""> {
  const allowed = "be a string that is not empty";
  return plain(v.pipe(v.string(must(allowed)), v.minLength(1, must(allowed))), {
    allowed,
    takes: "a string",
  });
}

/** An HTTP URL, with or without TLS, that contains no secret, because it is shown in logs, metrics and health. */
export function httpUrl({ inPlaceOfSecrets }: { readonly inPlaceOfSecrets: string }): Kind<string, ""> {
  const allowed = "be a URL that begins with http:// or https://";
  const isHttp = (value: string) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
  const isPublic = (value: string) => {
    if (!isHttp(value)) return true;
    const { username, password } = new URL(value);
    return username === "" && password === "";
  };
  return plain(
    v.pipe(
      v.string(must(allowed)),
      v.check(isHttp, must(allowed)),
      v.check(isPublic, `has a user or a password in it; ${inPlaceOfSecrets}`),
    ),
    { allowed, takes: "an HTTP URL" },
  );
}

/** A text that may be empty. */
export function anyText(): Kind<string, ""> {
  return plain(v.string(must("be a string")), { allowed: "be a string", takes: "a string" });
}

/** A text that no message repeats and that is printed as asterisks; `allowed` is a noun: "a password". */
export function secret(noun: string, pattern: RegExp): Kind<string, ""> {
  return { ...guarded(noun, pattern), isSecret: true, mask: () => "********" };
}

/** A text that no message repeats, because somebody may have written a secret there. */
export function guarded(noun: string, pattern: RegExp): Kind<string, ""> {
  const allowed = `be ${noun}`;
  const error = ({ input }: { readonly input?: unknown }) =>
    `${input == null ? "is missing; " : ""}must ${allowed}`;
  return plain(v.pipe(v.string(error), v.regex(pattern, error)), { allowed, takes: "a string" });
}

export function flag(): Kind<boolean, ""> {
  const words: Readonly<Record<string, boolean>> = { yes: true, on: true, no: false, off: false };
  return taken("be true or false", "true or false", (input) => {
    if (typeof input === "boolean") return input;
    // What YAML 1.1, and so cardano-tracer, accepts as a truth value.
    if (typeof input === "string" && Object.hasOwn(words, input.toLowerCase()))
      return words[input.toLowerCase()]!;
    return undefined;
  });
}

export function choice<const Name extends string>(...names: readonly Name[]): Kind<Name, ""> {
  const schema = v.picklist(names, ({ input }) => {
    const meant = typeof input === "string" ? nearest(input, names) : undefined;
    const question = meant === undefined ? "" : `; did you mean ${meant}?`;
    return `${found(input)}; must be ${listed(names)}${question}`;
  });
  const takes = listed(names.map((name) => `\`${name}\``));
  return plain(schema, { allowed: `be ${listed(names)}`, takes });
}

/** The default limit of a node's metrics; each text is searched when a reload brings new ones. */
const maxTexts = 10_000;

/** At most 10,000 keys, each with a text. `wrongKey` says what is wrong with a key, if anything. */
export function texts(
  of: string,
  wrongKey: (key: string) => string | undefined = () => undefined,
): Kind<Readonly<Record<string, string>>, ""> {
  const allowed = `be a mapping of ${of}`;
  const schema = v.pipe(
    v.custom<Record<string, unknown>>(isMapping, must(allowed)),
    v.check(
      (value) => Object.keys(value).length <= maxTexts,
      ({ input }) => `has ${Object.keys(input).length} keys; must have at most ${maxTexts}`,
    ),
    // The library's own `record` silently leaves out keys such as `constructor`.
    v.rawTransform(({ dataset: { value }, addIssue }): Readonly<Record<string, string>> => {
      for (const [key, input] of Object.entries(value)) {
        const message =
          wrongKey(key) ??
          (typeof input === "string" ? undefined : must("be a string; write numbers in quotes")({ input }));
        if (message !== undefined) addIssue({ message, path: issuePath([key]) });
      }
      return value as Record<string, string>;
    }),
  );
  return plain(schema, { allowed, takes: `a mapping of ${of}` });
}

/** The name of a file or directory, made absolute from the working directory. */
export function fileName(of: "file" | "directory" = "file"): Kind<string, ""> {
  const allowed = `be the name of a ${of}`;
  const schema = v.pipe(
    v.string(must(allowed)),
    v.check((name) => name !== "" && !name.includes("\0"), must(allowed)),
    v.transform((name) => resolve(name)),
  );
  return plain(schema, { allowed, takes: `a ${of} name` });
}

export function address() {
  const allowed = "be host:port or the name of a socket file";
  const schema = v.pipe(
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
  return plain(schema, { allowed, takes: "an address", write: formatAddress });
}

export function host(): Kind<string, ""> {
  const allowed = "be a host name or an address of this machine";
  // `*` is what Haskell's web server calls any address; it is not a name.
  const any: Readonly<Record<string, string>> = {
    "*": "0.0.0.0",
    "*4": "0.0.0.0",
    "!4": "0.0.0.0",
    "*6": "::",
    "!6": "::",
  };
  const schema = v.pipe(
    v.string(must(allowed)),
    v.regex(/^[^\s\0]+$/, must(allowed)),
    v.transform((name) => (Object.hasOwn(any, name) ? any[name]! : name.replace(/^\[(.*)\]$/, "$1"))),
  );
  return plain(schema, { allowed, takes: "a host name or address" });
}

/** 0 is any free port. */
export function port(): Kind<number, ""> {
  return wholeNumber(0, 65_535);
}

/** A number of seconds above 0, fractions allowed → milliseconds. */
export function seconds(): Kind<number, "Ms"> {
  const allowed = "be a number of seconds above 0";
  const schema = v.pipe(
    v.number(must(allowed)),
    v.check((value) => Number.isFinite(value) && value > 0, must(allowed)),
    v.transform((value) => Math.min(Math.max(1, Math.round(value * 1_000)), longestMs)),
  );
  return plain(schema, {
    allowed,
    takes: "a number of seconds",
    suffix: "Ms",
    unit: "seconds",
    write: (ms) => ms / 1_000,
  });
}

/** A whole number of milliseconds. */
export function milliseconds(): Kind<number, "Ms"> {
  const most = Number.MAX_SAFE_INTEGER;
  const allowed = `be a whole number from 1 to ${most}`;
  const schema = v.pipe(
    wholeNumberSchema(1, most, allowed),
    v.transform((ms) => Math.min(ms, longestMs)),
  );
  return plain(schema, { allowed, takes: "a number of milliseconds", suffix: "Ms", unit: "milliseconds" });
}

/** `30` (seconds) or `"500ms"`, `"30s"`, `"2m"`, `"1h"` → milliseconds. */
export function duration({ orZero }: { readonly orZero?: string } = {}): Kind<number, "Ms"> {
  const allowed = `be a number of seconds or a time such as 500ms, 30s, 2m or 1h${orZero === undefined ? ", above 0" : `; 0 ${orZero}`}`;
  const kind = taken(allowed, "a time", (input) => {
    const ms = isNumberOrText(input) ? parseDuration(input) : undefined;
    return ms === 0 && orZero === undefined ? undefined : ms;
  });
  return { ...kind, suffix: "Ms", write: formatDuration };
}

/** A number of bytes or `"64KiB"`, `"16MiB"`, `"1GiB"` → bytes. */
export function size(least: number, most = gibibyte): Kind<number, ""> {
  const range = [least, most].map(formatSize);
  const allowed = `be a number of bytes or a size such as 16MiB, from ${range.join(" to ")}`;
  const kind = taken(allowed, `a size, ${range.join("–")}`, (input) => {
    const bytes = isNumberOrText(input) ? parseSize(input) : undefined;
    return bytes === undefined || bytes < least || bytes > most ? undefined : bytes;
  });
  return { ...kind, write: formatSize };
}

/** Permission bits; `least` are those that the owner, Muninn itself, needs. */
export function mode({
  least,
  example,
}: {
  readonly least: number;
  readonly example: string;
}): Kind<number, ""> {
  const allowed = `be octal permission bits such as "${example}" (in quotes) or 0o${example.slice(1)}, which include ${formatMode(least)}, what Muninn itself needs`;
  const kind = taken(allowed, `permissions, at least \`${formatMode(least)}\``, (input) => {
    // A number is refused: `0640` without quotes is six hundred and forty in YAML.
    const bits = typeof input === "string" ? parseMode(input) : undefined;
    return bits === undefined || (bits & least) !== least ? undefined : bits;
  });
  return { ...kind, write: formatMode };
}

/** The name of a file, or the content of such a file in its place. */
export function fileNameOr<Value extends object>(inPlace: Kind<Value>): Kind<string | Value, ""> {
  const file = fileName();
  const allowed = `be the name of a file or ${inPlace.allowed.replace(/^be /, "")}`;
  const schema = v.lazy((input): v.GenericSchema<unknown, string | Value> => {
    if (typeof input === "string") return file.schema;
    return isMapping(input) ? inPlace.schema : v.custom<Value>(() => false, must(allowed));
  });
  return plain(schema, {
    allowed,
    takes: `${file.takes} or ${inPlace.takes}`,
    write: (value) => (typeof value === "string" ? value : inPlace.write(value)),
  });
}

/** Any value that `take` accepts. */
function taken<Value extends {}>(
  allowed: string,
  takes: string,
  take: (input: unknown) => Value | undefined,
): Kind<Value, ""> {
  const schema = v.pipe(
    v.custom<unknown>((input) => take(input) !== undefined, must(allowed)),
    v.transform((input) => take(input)!),
  );
  return plain(schema, { allowed, takes });
}

function isNumberOrText(input: unknown): input is number | string {
  return Number.isFinite(input) || typeof input === "string";
}
