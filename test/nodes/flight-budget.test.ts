import { expect, test } from "vitest";
import { type BudgetMember, FlightBudget } from "../../src/nodes/flight-budget.js";

class Member implements BudgetMember {
  changes = 0;
  gone = 0;

  roomChanged(): void {
    this.changes += 1;
  }

  evict(): void {
    this.gone += 1;
  }
}

test("reserved and held bytes count together against the limit", () => {
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
])("with a budget of %i bytes each of %i nodes may have %i unwritten", (maxInFlightBytes, nodes, share) => {
  const budget = new FlightBudget({ maxInFlightBytes });
  for (let n = 0; n < nodes; n += 1) budget.join(new Member());
  expect(budget.perNodeBytes).toBe(share);
});

test("a member that left has no share and holds no unfinished object", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 1_000_000 });
  const [first, second] = [new Member(), new Member()];
  budget.join(first);
  budget.join(second);
  expect(budget.perNodeBytes).toBe(500_000);
  budget.unfinished(second, 300);
  expect(budget.reading.heldBytes).toBe(300);
  budget.leave(second);
  expect(budget.perNodeBytes).toBe(1_000_000);
  expect(budget.reading.heldBytes).toBe(0);
});

test("a node without a name may hold an eighth of the budget, or its share if that is more", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 800_000 });
  budget.join(new Member());
  budget.join(new Member());
  expect(budget.perUnnamedBytes).toBe(400_000);
  for (let n = 0; n < 20; n += 1) budget.join(new Member());
  expect(budget.perUnnamedBytes).toBe(100_000);
});

test("if nodes without names hold more than a quarter together, each may hold its share of that; beyond half they stop", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 8_000_000 });
  const member = new Member();
  budget.join(member);
  for (let n = 1; n < 20; n += 1) budget.join(new Member());
  budget.holdUnnamed(1_999_999);
  expect([budget.perUnnamedBytes, budget.stopsUnnamed(false), member.changes]).toEqual([1_000_000, false, 0]);
  budget.holdUnnamed(1);
  expect([budget.perUnnamedBytes, budget.stopsUnnamed(false), member.changes]).toEqual([100_000, false, 1]);
  budget.holdUnnamed(2_000_000);
  expect([budget.stopsUnnamed(false), budget.stops(false)]).toEqual([true, false]);
  budget.holdUnnamed(-4_000_000);
  expect([budget.perUnnamedBytes, budget.stopsUnnamed(true), member.changes]).toEqual([1_000_000, false, 2]);
});

test("once half is held, nodes that hold some stop; once all is, every node does; each is told when that ends", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 1_200 });
  const member = new Member();
  budget.join(member);
  budget.hold(599);
  expect([budget.stops(true), budget.stops(false), member.changes]).toEqual([false, false, 0]);
  budget.hold(1);
  expect([budget.stops(true), budget.stops(false), member.changes]).toEqual([true, false, 1]);
  budget.hold(600);
  expect([budget.stops(true), budget.stops(false), member.changes]).toEqual([true, true, 2]);
  budget.hold(-100);
  expect(budget.stops(false)).toBe(true);
  budget.hold(-100);
  expect([budget.stops(true), budget.stops(false), member.changes]).toEqual([true, false, 3]);
  budget.hold(-480);
  expect([budget.stops(true), member.changes]).toEqual([false, 4]);
});

test("once unfinished objects use a third, the node with the largest gives way, not the last to arrive", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 1_500 });
  const [large, small] = [new Member(), new Member()];
  budget.join(large);
  budget.join(small);
  budget.unfinished(large, 400);
  budget.unfinished(small, 100);
  expect([large.gone, small.gone]).toEqual([0, 0]);
  budget.unfinished(small, 101);
  expect([large.gone, small.gone]).toEqual([1, 0]);
});

test("one object of the maximum size is possible with even the smallest budget, and stops nobody", () => {
  const budget = new FlightBudget({ maxInFlightBytes: 1_500, maxObjectBytes: 1_000 });
  const member = new Member();
  budget.join(member);
  budget.unfinished(member, 4_000);
  expect([member.gone, budget.stops(true)]).toEqual([0, false]);
  budget.unfinished(member, 4_001);
  expect(member.gone).toBe(1);
});
