import { expect, test } from "vitest";
import { FlightBudget } from "../../src/nodes/flight-budget.js";

test("what is reserved and what is held count together against the limit", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 1_000 });
  budget.reserve(600);
  budget.hold(300);
  expect(budget.allows(100)).toBe(true);
  expect(budget.allows(101)).toBe(false);
  budget.hold(-300);
  expect(budget.allows(400)).toBe(true);
});

test.each([
  // limit, nodes, share of each
  [256 * 1_048_576, 1, 1_048_576],
  [256 * 1_048_576, 1_000, 268_435],
  [1_048_576, 1_000, 65_536],
])("of %i bytes each of %i nodes may leave %i unwritten", (maxInFlightBytes, nodes, share) => {
  const budget = new FlightBudget({ maxInFlightBytes });
  for (let n = 0; n < nodes; n += 1) budget.join();
  expect(budget.perNodeBytes).toBe(share);
  budget.leave();
});
