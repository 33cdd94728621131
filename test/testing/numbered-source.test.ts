import { expect, test } from "vitest";
import { NumberedSource } from "../../src/testing/numbered-source.js";

test("one object more than fits drops the whole queue, which fills again from that object on", () => {
  let now = 0;
  const clock = { now: () => now, sleep: async () => {} };
  const source = new NumberedSource({ name: "n", rate: 1_000, queue: 4, clock });
  const numbers = () => source.takeNow(10).map((object) => Number(/"seq":"(\d+)"/.exec(String(object))?.[1]));
  now = 4;
  expect(source.thrownAway).toBe(0);
  now = 5;
  expect(source.thrownAway).toBe(4);
  expect(numbers()).toEqual([4]);
  now = 13;
  expect(source.thrownAway).toBe(8);
  now = 16;
  expect(numbers()).toEqual([13, 14, 15]);
  expect(source.thrownAway).toBe(12);
});
