import fc from "fast-check";
import { expect, test } from "vitest";
import { ekgJson } from "../../src/http/ekg-json.js";
import { type MetricSet, metricsOf, nastyMetrics } from "../metrics/node/metric-sets.js";

const json = (set: MetricSet) => [...ekgJson(metricsOf(set))].join("");
/** All other names here sort before it. */
const timestamp = '"ekg":{"server_timestamp_ms":{"type":"c","val":1700000000123}}';

test.each<[string, MetricSet, string]>([
  ["no metrics except the timestamp", [], ""],
  [
    "the three kinds",
    [
      ["a", "c", 1n],
      ["b", "g", -2n],
      ["c", "l", 'x "y"'],
    ],
    '"a":{"type":"c","val":1},"b":{"type":"g","val":-2},"c":{"type":"l","val":"x \\"y\\""}',
  ],
  [
    "names nested by dots",
    [
      ["a.b.c", "c", 1n],
      ["a.d", "g", 2n],
    ],
    '"a":{"b":{"c":{"type":"c","val":1}},"d":{"type":"g","val":2}}',
  ],
  [
    "numbers beyond 2^53 in full",
    [
      ["a", "g", -(2n ** 63n)],
      ["b", "c", 2n ** 63n - 1n],
    ],
    '"a":{"type":"g","val":-9223372036854775808},"b":{"type":"c","val":9223372036854775807}',
  ],
  [
    "a metric that is also a branch",
    [
      ["a.b", "c", 2n],
      ["a", "c", 1n],
    ],
    '"a":{"type":"c","val":1,"b":{"type":"c","val":2}}',
  ],
  [
    "no part called type or val next to a value",
    [
      ["a", "c", 1n],
      ["a.type", "c", 2n],
      ["a.val.x", "c", 3n],
      ["a.y", "c", 4n],
    ],
    '"a":{"type":"c","val":1,"y":{"type":"c","val":4}}',
  ],
  ["a branch called type if nothing contradicts", [["a.type", "c", 2n]], '"a":{"type":{"type":"c","val":2}}'],
  [
    "names of properties that all objects have",
    [
      ["__proto__", "g", 1n],
      ["constructor.prototype", "g", 2n],
    ],
    '"__proto__":{"type":"g","val":1},"constructor":{"prototype":{"type":"g","val":2}}',
  ],
  [
    "parts that differ in characters before the dot in order",
    [
      ["a.c", "g", 1n],
      ["a-b", "g", 2n],
      ["a\0b", "g", 3n],
      ["a\x01b", "g", 4n],
      ["a.b", "g", 5n],
    ],
    '"a":{"b":{"type":"g","val":5},"c":{"type":"g","val":1}},"a\\u0000b":{"type":"g","val":3},"a\\u0001b":{"type":"g","val":4},"a-b":{"type":"g","val":2}',
  ],
  [
    "empty parts",
    [
      ["", "g", 1n],
      ["..x", "g", 2n],
    ],
    '"":{"type":"g","val":1,"":{"x":{"type":"g","val":2}}}',
  ],
])("%s", (_, set, expected) => {
  expect(json(set)).toBe(`{${expected}${expected === "" ? "" : ","}${timestamp}}`);
});

test("any set of metrics is valid JSON that holds every name", () => {
  fc.assert(
    fc.property(nastyMetrics, (set) => {
      const document = JSON.parse(json(set));
      for (const [name] of set) {
        let branch = document;
        for (const part of name.split(".")) branch = Object.getOwnPropertyDescriptor(branch, part)?.value;
        expect(branch).toHaveProperty("val");
      }
    }),
  );
});

test("no key appears twice in an object, whatever the names", () => {
  const parts = fc.constantFrom("a", "b", "type", "", "\0", "\x01", "a\0", "-");
  const names = fc.uniqueArray(fc.array(parts, { minLength: 1, maxLength: 4 }).map((of) => of.join(".")));
  fc.assert(
    fc.property(names, (all) => {
      const text = json(all.map((name) => [name, "g", 1n]));
      // A key that appears twice would be lost in parsing.
      expect(JSON.stringify(JSON.parse(text)).length).toBe(text.length);
    }),
  );
});

test("a name of a million dots gives a document of bounded depth", () => {
  const document = json([[".".repeat(1_000_000), "g", 1n]]);
  expect(document.match(/^(?:\{"[^"]*":)*\{"":\{/)).toBeDefined();
  expect(document.split(":{").length).toBeLessThan(80);
});
