import fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfigDocument } from "../../src/config/parse-document.js";
import { parseYaml } from "../../src/config/yaml-document.js";
import { errorsOf, warningsOf } from "./configurations.js";

/** With keys and texts that resemble JSON's own punctuation. */
const json = fc.jsonValue({ stringUnit: fc.constantFrom(...'ab:"\\{}[],<\n\té') });

test("JSON means the same whether it is read as JSON or as YAML", async () => {
  await fc.assert(
    fc.asyncProperty(json, fc.nat({ max: 2 }), async (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const { value: taken, errors } = await parseConfigDocument(text);
      expect(errors).toEqual([]);
      expect(taken).toEqual(JSON.parse(text));
      expect(taken).toEqual((await parseYaml(text)).value);
    }),
    { numRuns: 300 },
  );
});

test("JSON is accepted with any white space that JSON allows", async () => {
  expect((await parseConfigDocument('\r\n{\n\t"a":\r\n\t1}\t')).value).toEqual({ a: 1 });
});

test.each([
  [
    "a key given twice",
    '{"a": 1, "b": {"c": "\\"x\\": 1", "c": 2}}',
    "this key is given twice, first in line 1",
  ],
  ["a deep nest of lists", "[".repeat(101) + "]".repeat(101), "nested deeper than 100 levels"],
  ["a deep nest of mappings", `${'{"a":'.repeat(101)}1${"}".repeat(101)}`, "nested deeper than 100 levels"],
])("%s in JSON is refused", async (_, text, message) => {
  const { errors } = await parseConfigDocument(text);
  expect(errors.map((error) => error.message)).toEqual([message]);
});

test("100 levels of JSON are accepted", async () => {
  expect((await parseConfigDocument("[".repeat(100) + "]".repeat(100))).errors).toEqual([]);
});

test("errors in JSON are reported with their place", async () => {
  const text = `{
  "networkMagic": 764824073,
  "network": {"tag": "AcceptAt", "contents": "/run/forwarder.sock"},
  "logging": [{"logRoot": "/var/log/nodes", "logMode": "FileMode", "logFormat": "ForRobots"}],
  "netwerk": 1,
  "muninn": {"durabilty": "os"}
}`;
  expect(await errorsOf(text)).toEqual([
    'f:4:81: logging[0].logFormat: is "ForRobots"; must be ForMachine or ForHuman',
    "f:6:14: muninn.durabilty: is unknown; did you mean muninn.durability?",
  ]);
  expect(await warningsOf(text.replace("ForRobots", "ForHuman").replace(/,\n.*durabilty.*/, ""))).toEqual([
    "f:5:3: netwerk: is unknown and ignored; did you mean network?",
  ]);
});
