import fc from "fast-check";
import { expect, test } from "vitest";
import { MeanObjectSize } from "../../src/nodes/mean-object-size.js";

test("the initial assumption weighs no more than one object", () => {
  const size = new MeanObjectSize();
  expect(size.bytes).toBe(1_024);
  size.add(99, 99 * 364);
  expect(size.bytes).toBeCloseTo((1_024 + 99 * 364) / 100);
});

test("the estimate for a node whose objects grow follows the recent ones", () => {
  const size = new MeanObjectSize();
  for (let batch = 0; batch < 100; batch += 1) size.add(600, 600 * 100);
  for (let batch = 0; batch < 5; batch += 1) size.add(600, 600 * 1_000);
  // Of 1,600 objects 600 are new each time, and (1,000 / 1,600)^5 is a tenth.
  expect(size.bytes).toBeGreaterThan(900);
});

test("objects count the same however they are split into batches", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 100 }), (sizes) => {
      const oneByOne = new MeanObjectSize();
      for (const bytes of sizes) oneByOne.add(1, bytes);
      const atOnce = new MeanObjectSize();
      const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
      atOnce.add(sizes.length, all);
      expect(oneByOne.bytes).toBeCloseTo(atOnce.bytes, 4);
    }),
  );
});
