import fc from "fast-check";
import { expect, test } from "vitest";
import { AnswerBudget } from "../../src/nodes/answer-budget.js";

test("a few nodes that use much leave each other node its share", () => {
  const budget = new AnswerBudget({ maxBytes: 1_000 });
  const [greedy, second, third, fourth] = Array.from({ length: 4 }, () => budget.join());
  expect(greedy!.grow(500)).toBe(true);
  expect(greedy!.grow(1)).toBe(false);
  for (const share of [second!, third!, fourth!]) {
    expect(share.grow(125)).toBe(true);
    expect(share.grow(1)).toBe(false);
  }
  expect(budget.bytes).toBe(875);
});

test("returned bytes can be reserved again, also by other nodes", () => {
  const budget = new AnswerBudget({ maxBytes: 1_000 });
  const [first, second] = [budget.join(), budget.join()];
  first.grow(500);
  expect(second.grow(400)).toBe(false);
  first.grow(-300);
  expect(second.grow(300)).toBe(true);
});

test("a share that left has returned everything, once, and reserves no more", () => {
  const budget = new AnswerBudget({ maxBytes: 1_000 });
  const [first, second] = [budget.join(), budget.join()];
  first.grow(300);
  first.leave();
  first.leave();
  expect(budget.bytes).toBe(0);
  expect(first.grow(1)).toBe(false);
  expect(second.grow(500)).toBe(true);
});

test("all shares together never reserve more than the budget", () => {
  const step = fc.record({ share: fc.nat(9), delta: fc.integer({ min: -300, max: 300 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const budget = new AnswerBudget({ maxBytes: 1_000 });
      const shares = Array.from({ length: 10 }, () => ({ share: budget.join(), bytes: 0 }));
      for (const { share: index, delta } of steps) {
        const holder = shares[index]!;
        const change = Math.max(delta, -holder.bytes);
        if (holder.share.grow(change)) holder.bytes += change;
        expect(budget.bytes).toBe(shares.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(budget.bytes).toBeLessThanOrEqual(1_000);
      }
    }),
  );
});
