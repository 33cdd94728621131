import fc from "fast-check";
import { expect, test } from "vitest";
import { requestOfJson } from "../../src/otlp-in/json-request.js";
import { TooManyParts } from "../../src/otlp-in/schema.js";

interface Request {
  readonly resourceLogs?: readonly {
    readonly resource?: unknown;
    readonly scopeLogs?:
      | readonly { readonly scope?: unknown; readonly logRecords?: readonly unknown[] }[]
      | null;
  }[];
}

/** Runs to the end. */
function read(text: string, count: () => void = () => {}) {
  const steps = requestOfJson("logs", Buffer.from(text), count);
  let pauses = 0;
  for (;;) {
    const { done, value } = steps.next();
    if (!done) {
      pauses += 1;
      continue;
    }
    const { resources, parsed } = value;
    const found = resources.map(({ resource, scopes }) => ({
      resource: resource && parsed(resource),
      scopes: scopes.map(({ scope, pieces }) => ({
        scope: scope && parsed(scope),
        records: pieces.flatMap((start, index) =>
          index % 2 === 0 ? [parsed({ start, end: pieces[index + 1]! })] : [],
        ),
      })),
    }));
    return { found, pauses };
  }
}

/** The same, with the whole text parsed at once. */
function expected(text: string) {
  const { resourceLogs = [] } = JSON.parse(text) as Request;
  return resourceLogs.map(({ resource, scopeLogs }) => ({
    resource,
    scopes: (scopeLogs ?? []).map(({ scope, logRecords }) => ({ scope, records: logRecords ?? [] })),
  }));
}

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const anyRequest = fc.record({
  other: fc.jsonValue(),
  resourceLogs: fc.array(
    fc.record({
      schemaUrl: fc.jsonValue(),
      scopeLogs: fc.option(
        fc.array(
          fc.record({
            logRecords: optional(fc.array(fc.jsonValue())),
            '"]}': fc.jsonValue(),
            scope: optional(fc.jsonValue()),
          }),
        ),
      ),
      resource: optional(fc.jsonValue()),
    }),
  ),
});

test("the same parts are found as by parsing the whole text, with any white space between them", () => {
  fc.assert(
    fc.property(anyRequest, fc.constantFrom(undefined, 1, "\t", " \r\n"), (request, space) => {
      const text = JSON.stringify(request, undefined, space);
      expect(read(text).found).toEqual(expected(text));
    }),
  );
});

test.each([
  ["names with escapes", '{"\\u0072esourceLogs":[{"scope\\u004cogs":[{"logRecords":["a"]}]}]}'],
  [
    "repeated names",
    '{"resourceLogs":[{}],"resourceLogs":[{"resource":1,"resource":2,"scopeLogs":[{}],"scopeLogs":null}]}',
  ],
  [
    "texts that look like JSON",
    '{"resourceLogs":[{"resource":"}],\\\\\\"[{","scopeLogs":[{"logRecords":["\\\\","]","\\""]}]}]}',
  ],
  ["nothing", "{}"],
  [
    "numbers and words at ends",
    '{"a":1,"resourceLogs":[{"resource":-1.5e3,"scopeLogs":[{"logRecords":[true,null,1 ] }]}] , "b":false}',
  ],
])("%s are read as by parsing the whole text", (_, text) => {
  expect(read(text).found).toEqual(expected(text));
});

test("a request that is cut off anywhere, or has more after its end, is refused", () => {
  const text =
    '{"a":[1,{"b":"c"}],"resourceLogs":[{"resource":{"k":1},"scopeLogs":[{"scope":"s","logRecords":[{},2]}]}]}';
  expect(read(`${text} \n`).found).toEqual(expected(text));
  for (let length = 0; length < text.length; length += 1) expect(() => read(text.slice(0, length))).toThrow();
  for (const more of ["}", "{}", "0", ","]) expect(() => read(text + more)).toThrow(SyntaxError);
});

test.each([
  ["[]", TypeError],
  ["1", TypeError],
  ['{"resourceLogs":{}}', TypeError],
  ['{"resourceLogs":[1]}', TypeError],
  ['{"resourceLogs":[{"scopeLogs":"a"}]}', TypeError],
  ['{"resourceLogs":[{"scopeLogs":[null]}]}', TypeError],
  ['{"a":tru}', SyntaxError],
  ['{"a":[}]}', SyntaxError],
  ['{"a" 1}', SyntaxError],
  ["{a:1}", SyntaxError],
  ['{"resourceLogs":[{},]}', TypeError],
  ['{"resourceLogs":[],}', SyntaxError],
  ['{"resourceLogs":[{} {}]}', SyntaxError],
])("%s is refused", (text, error) => {
  expect(() => read(text)).toThrow(error);
});

test("a value with too many others in it, or nested too deep, is refused before it is parsed", () => {
  const inside = (value: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${value}]}]}]}`;
  expect(() => read(inside(`[${"1,".repeat(50_000)}not JSON`))).toThrow(TooManyParts);
  expect(read(inside(`[${"1,".repeat(49_990)}1]`)).found[0]!.scopes[0]!.records).toHaveLength(1);
  expect(() => read(inside("[".repeat(257)))).toThrow(/nested deeper/);
  expect(() => read(`{"a":${"[".repeat(1_000_000)}`)).toThrow(/nested deeper/);
});

test("each part counts, and long ones give way to other work", () => {
  const text = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]},{}],"a":"${"x".repeat(1_000_000)}"}`;
  let counted = 0;
  const { pauses } = read(text, () => {
    counted += 1;
  });
  expect(counted).toBe(5);
  expect(pauses).toBeGreaterThanOrEqual(15);
});
