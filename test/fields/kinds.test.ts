import fc from "fast-check";
import { safeParse } from "valibot";
import { describe, expect, test } from "vitest";
import { alternatives, converted, list, parts } from "../../src/fields/compound-kinds.js";
import { group, optional, required, retired, withDefault } from "../../src/fields/field.js";
import { type AnyKind, fieldsIn, type Kind, pathOf } from "../../src/fields/kind.js";
import { mapping } from "../../src/fields/mapping.js";
import {
  anyText,
  choice,
  duration,
  flag,
  host,
  milliseconds,
  mode,
  seconds,
  secret,
  size,
  text,
  wholeNumber,
} from "../../src/fields/plain-kinds.js";
import { longestMs } from "../../src/fields/quantities.js";

function read<Value>({ schema }: Kind<Value>, input: unknown): Value {
  const result = safeParse(schema, input);
  if (!result.success) throw new Error(issuesOf({ schema } as AnyKind, input).join("\n"));
  return result.output;
}

function issuesOf({ schema }: AnyKind, input: unknown): string[] {
  const { issues = [] } = safeParse(schema, input);
  return issues.map((issue) => `${pathOf(issue).join(".")}: ${issue.message}`);
}

/** Like the options of sinks: one mapping for each keyword. */
const door = alternatives(
  "kind",
  {
    nats: mapping({
      servers: required(list(text(), "addresses", { leastOne: "address" }), "where"),
      password: optional(secret("a password", /^\w+$/), "what it asks for"),
      ackWait: withDefault(duration(), "30s", "patience"),
    }),
    otlp: mapping({ url: required(text(), "where"), gzip: withDefault(flag(), false, "smaller") }),
  },
  { otherwise: "{kind: nats, …} or {kind: otlp, …}", doc: "which" },
);

describe("alternatives", () => {
  test("are told apart by their kind, which stays in the value", () => {
    expect(read(door, { kind: "nats", servers: ["a"] })).toEqual({
      kind: "nats",
      servers: ["a"],
      ackWaitMs: 30_000,
    });
    expect(read(door, { kind: "otlp", url: "u", gzip: "yes" })).toEqual({
      kind: "otlp",
      url: "u",
      gzip: true,
    });
  });

  test("report all issues of the chosen kind at once, and none of another's", () => {
    expect(issuesOf(door, { kind: "nats", servers: [], ackWait: "soon" })).toEqual([
      "servers: is an empty list; must have at least one address",
      'ackWait: is "soon"; must be a number of seconds or a time such as 500ms, 30s, 2m or 1h, above 0',
    ]);
  });

  test.each([
    [{ kind: "otpl" }, 'kind: is "otpl"; must be nats or otlp; did you mean otlp?'],
    [{}, "kind: is missing; must be nats or otlp"],
    [{ kind: "constructor" }, 'kind: is "constructor"; must be nats or otlp'],
    ["hunter2", ": is a string; must be {kind: nats, …} or {kind: otlp, …}"],
  ])("report the value %o, which matches none of them", (input, issue) => {
    expect(issuesOf(door, input)).toEqual([issue]);
  });

  test("have the fields of the chosen kind, and of all kinds if none is chosen", () => {
    expect(Object.keys(fieldsIn(door, { kind: "otlp" })!)).toEqual(["kind", "url", "gzip"]);
    expect(Object.keys(fieldsIn(door, { kind: "?" })!).sort()).toEqual(
      ["kind", "servers", "password", "ackWait", "url", "gzip"].sort(),
    );
  });
});

test("a secret is masked at any depth, and all else stays", () => {
  const doors = list(door, "sinks");
  const given = [
    { kind: "nats", servers: ["a"], password: "hunter2" },
    { kind: "otlp", url: "u" },
  ];
  const everywhere = mapping({
    doors: required(doors, ""),
    pair: required(parts([required(door, ""), optional(text(), "")], "two"), ""),
    boxed: required(
      converted(
        doors,
        (inside) => ({ inside }),
        ({ inside }) => inside,
      ),
      "",
    ),
  });
  expect(everywhere.isSecret).toBe(true);
  const value = read(everywhere, { doors: given, pair: [given[0], null], boxed: given });
  const masked = everywhere.mask(value);
  expect(JSON.stringify(masked)).not.toContain("hunter2");
  expect(JSON.stringify(value)).toContain("hunter2");
  expect(JSON.parse(JSON.stringify(masked).replaceAll("********", "hunter2"))).toEqual(
    JSON.parse(JSON.stringify(value)),
  );
});

describe("an earlier name", () => {
  const kind = mapping({
    size: withDefault(wholeNumber(1, 9), 5, "", {
      formerly: { length: "is now size", bytes: "is now size" },
    }),
    port: required(wholeNumber(0, 9), "", { formerly: { door: "is now port" } }),
    old: retired("is of the past"),
  });

  test.each([
    [{ port: 1 }, { size: 5, port: 1 }],
    [
      { port: 1, length: 2 },
      { size: 2, port: 1 },
    ],
    [
      { door: 1, bytes: 3, old: "anything" },
      { size: 3, port: 1 },
    ],
    [
      { door: 1, port: 2, bytes: 3, length: 4, size: 1 },
      { size: 1, port: 2 },
    ],
    [
      { port: 1, size: null, length: 2 },
      { size: 2, port: 1 },
    ],
  ])("sets the field if the field itself is absent: %o", (given, value) => {
    expect(read(kind, given)).toEqual(value);
  });

  test("is the place of an issue with its value", () => {
    expect(issuesOf(kind, { door: 10, length: 0 })).toEqual([
      "length: is the number 0; must be a whole number from 1 to 9",
      "door: is the number 10; must be a whole number from 0 to 9",
    ]);
  });
});

test("an error about a mapping of many fields names some of them", () => {
  const many = mapping(Object.fromEntries([..."abcdefghi"].map((name) => [name, optional(flag(), "")])));
  expect(issuesOf(many, 3)).toEqual([": is the number 3; must be a mapping of fields such as a, b, c"]);
  const few = mapping({ a: optional(flag(), ""), old: retired("gone") });
  expect(issuesOf(few, 3)).toEqual([": is the number 3; must be a mapping of a"]);
});

/** Values of each kind, as in effect. */
const kinds: [string, AnyKind, fc.Arbitrary<unknown>][] = [
  ["wholeNumber", wholeNumber(0, 1_000), fc.integer({ min: 0, max: 1_000 })],
  ["text", text(), fc.string({ minLength: 1 })],
  ["anyText", anyText(), fc.string()],
  ["flag", flag(), fc.boolean()],
  ["choice", choice("a", "b"), fc.constantFrom("a", "b")],
  ["host", host(), fc.constantFrom("::1", "0.0.0.0", "localhost")],
  ["seconds", seconds(), fc.integer({ min: 1, max: longestMs })],
  ["milliseconds", milliseconds(), fc.integer({ min: 1, max: longestMs })],
  ["duration", duration({ orZero: "is never" }), fc.integer({ min: 0, max: longestMs })],
  ["size", size(0, 2 ** 50), fc.nat({ max: 2 ** 31 - 1 }).map((n) => n * 2 ** 9)],
  [
    "mode",
    mode({ least: 0o600, example: "0640" }),
    fc.integer({ min: 0, max: 0o177 }).map((bits) => bits | 0o600),
  ],
  [
    "a group of groups",
    mapping({ inner: group({ time: withDefault(duration(), "1s", "") }), name: optional(text(), "") }),
    fc.record(
      { inner: fc.record({ timeMs: fc.integer({ min: 1, max: 9_999 }) }), name: fc.constantFrom("a", "b") },
      { requiredKeys: ["inner"] },
    ),
  ],
];

test.each(kinds)("a value that %s writes is read back as the same", (_, kind, values) => {
  fc.assert(
    fc.property(values, (value) => {
      expect(read(kind, JSON.parse(JSON.stringify(kind.write(value))))).toEqual(value);
    }),
  );
});

test("an error repeats no more than 80 characters of a long text", () => {
  expect(issuesOf(choice("one", "two"), "x".repeat(10_000))).toEqual([
    expect.stringMatching(/^[^:]*:? ?is "x{79}…; must be one or two$/),
  ]);
});
