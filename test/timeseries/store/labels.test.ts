import { expect, test } from "vitest";
import { compareLabels, labelSet } from "../../../src/timeseries/store/labels.js";

test("labels are in the order of their names and values, and a set before one that begins with it", () => {
  const sets = [{}, { a: "1" }, { a: "1", b: "1" }, { a: "1", b: "2" }, { a: "2" }, { b: "0" }].map(labelSet);
  for (const [index, set] of sets.entries())
    for (const [other, compared] of sets.entries())
      expect(Math.sign(compareLabels(set, compared))).toBe(Math.sign(index - other));
});
