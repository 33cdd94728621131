import fc from "fast-check";
import { expect, test } from "vitest";
import { sortedInPieces } from "../../../src/metrics/node/sorted-in-pieces.js";

function sorted(texts: readonly string[]): { pauses: number; result: string[] } {
  const sorting = sortedInPieces(texts);
  for (let pauses = 0; ; pauses += 1) {
    const { done, value } = sorting.next();
    if (done) return { pauses, result: value };
  }
}

test("the order is the same as that of sort", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string(), { maxLength: 50 }),
      fc.integer({ min: 1, max: 400 }),
      (texts, times) => {
        const all = Array.from({ length: times }, (_, i) => texts.map((text) => `${text}${i % 7}`)).flat();
        expect(sorted(all).result).toEqual([...all].sort());
      },
    ),
  );
});

test("sorting a hundred thousand texts pauses every few thousand", () => {
  const texts = Array.from({ length: 100_000 }, (_, i) => `name.${(i * 7_919) % 100_000}`);
  const { pauses, result } = sorted(texts);
  expect(result).toEqual([...texts].sort());
  expect(pauses).toBeGreaterThan(100);
});
