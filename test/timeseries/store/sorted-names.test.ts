import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedNames } from "../../../src/timeseries/store/sorted-names.js";

test("names are in order, whichever were added and removed and whenever they were read", () => {
  const change = fc.record({ name: fc.integer({ min: 0, max: 60 }).map(String), isAsked: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const names = new SortedNames();
      const model = new Set<string>();
      for (const { name, isAsked } of changes) {
        if (model.delete(name)) names.delete(name);
        else {
          model.add(name);
          names.add(name);
        }
        if (isAsked) expect(names.all()).toEqual([...model].sort());
      }
      expect(names.all()).toEqual([...model].sort());
    }),
  );
});

test("names added by the thousand are sorted without being read", () => {
  const names = new SortedNames();
  const all = Array.from({ length: 10_000 }, (_, n) => `n${(n * 7_919) % 10_007}`);
  for (const name of all) names.add(name);
  expect(names.all()).toEqual([...all].sort());
});
