import fc from "fast-check";
import { expect, test } from "vitest";
import { ExposedNames } from "../../../src/metrics/node/exposed-name.js";

const names = new ExposedNames({ noSuffix: false });
const short = new ExposedNames({ noSuffix: true });

test.each([
  ["cardano.node.metrics.blockNum.int", "cardano_node_metrics_blockNum_int"],
  ["a b-c.d", "a_b_c_d"],
  ["a:b/c%d", "abcd"],
  ["метрика.unicode", "_unicode"],
  ["😀 x", "_x"],
  ["9lives", "_9lives"],
  ["", "_"],
  ["€", "_"],
  ["..", "__"],
  ["tab\there", "tabhere"],
])("%j is exposed as %s", (internalName, exposed) => {
  expect(names.of(internalName)).toBe(exposed);
});

test.each([
  ["slot_int", "slot"],
  ["slot.int", "slot"],
  ["forged_counter", "forged"],
  ["density_real", "density"],
  ["a_int_real", "a_int"],
  ["point", "point"],
  ["a_integer", "a_integer"],
  ["_int", "_"],
  ["9_int", "_9"],
])("without suffix %j is exposed as %s", (internalName, exposed) => {
  expect(short.of(internalName)).toBe(exposed);
});

test("every text is exposed under a name that is valid in Prometheus, the same each time", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom(names, short), (internalName, mapping) => {
      const name = mapping.of(internalName);
      expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
      expect(mapping.of(internalName)).toBe(name);
    }),
  );
});
