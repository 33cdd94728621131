import { expect, test } from "vitest";
import { ReadingPatience } from "../../src/nodes/reading-patience.js";

function afterBatches(...times: readonly (readonly [count: number, milliseconds: number])[]): number {
  const patience = new ReadingPatience();
  for (const [count, milliseconds] of times) for (let n = 0; n < count; n += 1) patience.ended(milliseconds);
  return patience.milliseconds;
}

test("before the first batch ends, reading waits for the longest time", () => {
  expect(afterBatches()).toBe(250);
});

test.each([
  { each: 0.1, waits: 25 },
  { each: 20, waits: 80 },
  { each: 10_000, waits: 250 },
])("if batches take $each ms each, reading waits about $waits ms for them", ({ each, waits }) => {
  const patience = afterBatches([1_000, each]);
  expect(patience / waits).toBeGreaterThan(0.9);
  expect(patience / waits).toBeLessThan(1.1);
});

test("one very slow batch in three makes nobody wait longer", () => {
  const mixed = Array.from({ length: 300 }, (_, n): [number, number] => [1, n % 3 === 0 ? 60_000 : 1]);
  expect(afterBatches(...mixed)).toBeLessThan(30);
});

test("one batch is enough to leave the longest and the shortest wait", () => {
  expect(afterBatches([10_000, 60_000], [1, 1])).toBeLessThan(250);
  expect(afterBatches([10_000, 0], [1, 1_000])).toBeGreaterThan(25);
});
