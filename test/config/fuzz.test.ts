import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldNames } from "../../src/config/field-names.js";
import { formatConfig } from "../../src/config/format.js";
import { parseConfig } from "../../src/config/load.js";
import { ConfigError } from "../../src/config/problem.js";
import { base } from "./configurations.js";

/** Whatever the text is, it gives a configuration or says what is wrong with it. */
async function isTakenOrRefused(text: string): Promise<void> {
  try {
    const { config } = await parseConfig(text, "f");
    formatConfig(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
  }
}

const keys = fc.constantFrom(...new Set(fieldNames().flatMap((name) => name.split(/[.[\]]+/))));

/** Values of which many are nearly right. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(
      "AcceptAt",
      "ConnectTo",
      "FileMode",
      "ForHuman",
      "/a",
      "a:1",
      "30s",
      "16MiB",
      "0640",
      true,
      false,
      null,
    ),
    fc.integer(),
    fc.double(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(keys, fc.string()), tie("value"), { maxKeys: 8 }),
  ),
}));

test("any text is a configuration or a ConfigError", async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), isTakenOrRefused), {
    numRuns: 500,
  });
});

test("any text of YAML's own characters is a configuration or a ConfigError", async () => {
  const unit = fc.constantFrom(..."ab:-?[]{},&*!|>%@`#'\"\\\n\t \r<0~=.", "---", "...", "<<", "muninn");
  await fc.assert(fc.asyncProperty(fc.string({ unit, maxLength: 120 }), isTakenOrRefused), {
    numRuns: 1_000,
  });
});

test("any text after a whole configuration is a configuration or a ConfigError", async () => {
  const unit = fc.constantFrom(..."ab:-?[]{},&*!|>#'\" \n", "muninn", "hasEKG", "epPort", "null");
  const property = fc.asyncProperty(fc.string({ unit, maxLength: 120 }), (text) =>
    isTakenOrRefused(base + text),
  );
  await fc.assert(property, { numRuns: 500 });
});

test("any JSON is a configuration or a ConfigError", async () => {
  await fc.assert(
    fc.asyncProperty(value, (json) => isTakenOrRefused(JSON.stringify(json))),
    { numRuns: 1_000 },
  );
});

test("any values of the fields are a configuration or a ConfigError", async () => {
  const names = fieldNames().filter((name) => !/[.[]/.test(name));
  const fields = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 20 });
  await fc.assert(
    fc.asyncProperty(fields, (json) => isTakenOrRefused(JSON.stringify(json))),
    { numRuns: 1_000 },
  );
});
