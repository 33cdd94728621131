import { expect, test, vi } from "vitest";
import { FlightBudget } from "../../src/nodes/flight-budget.js";
import { ReadingGate } from "../../src/nodes/reading-gate.js";
import { ReadingTurns } from "../../src/nodes/reading-turns.js";
import { TraceIntake } from "../../src/nodes/trace-intake.js";
import { SpareMemory } from "../../src/protocol/spare-memory.js";
import { replyOf } from "./scripted-peer.js";

/** The beginning of a reply whose only object has a hundred thousand bytes. */
const beginning = replyOf(["a".repeat(100_000)]).subarray(0, 60_000);

function intakes(count: number) {
  const memory = new SpareMemory();
  const turns = new ReadingTurns();
  const budget = new FlightBudget({ maxInFlightBytes: 1_500_000 });
  const evicted: number[] = [];
  const made = Array.from(
    { length: count },
    (_, index) =>
      new TraceIntake({
        requestCount: 100,
        requestsAhead: 1,
        maxObjectBytes: 120_000,
        namePatienceMs: 1_000,
        budget,
        gate: new ReadingGate({ turns, pause: () => {}, resume: () => {} }),
        memory,
        send: () => {},
        onEvicted: () => evicted.push(index),
      }),
  );
  return { made, memory, budget, evicted };
}

test("a node whose unfinished object takes too much memory releases it at once, and takes no more", () => {
  const { made, memory, budget, evicted } = intakes(4);
  const giveBack = vi.spyOn(memory, "giveBack");
  for (const intake of made) {
    intake.receive(beginning);
    intake.flush();
  }
  expect(evicted).toHaveLength(1);
  const bytes = giveBack.mock.calls.map(([{ length }]) => length).filter((length) => length > 100_000);
  expect(bytes).toHaveLength(1);
  const held = budget.reading.heldBytes;
  const take = vi.spyOn(memory, "take");
  made[evicted[0]!]!.receive(Buffer.alloc(300_000));
  expect(made[evicted[0]!]!.flush()).toBe(0);
  expect(take).not.toHaveBeenCalled();
  expect(budget.reading.heldBytes).toBe(held);
});

test("a session that ends releases the memory of unfinished objects", () => {
  const { made, memory } = intakes(1);
  const giveBack = vi.spyOn(memory, "giveBack");
  made[0]!.receive(beginning);
  made[0]!.flush();
  expect(giveBack.mock.calls.some(([{ length }]) => length > 100_000)).toBe(false);
  made[0]!.end();
  expect(giveBack.mock.calls.some(([{ length }]) => length > 100_000)).toBe(true);
});

test("a node that is refused gives back the memory of what it has sent at once", () => {
  const { made, memory, budget } = intakes(1);
  const intake = made[0]!;
  intake.receive(replyOf(["a".repeat(100_000)]));
  intake.flush();
  const held = budget.reading.heldBytes;
  const giveBack = vi.spyOn(memory, "giveBack");
  expect(intake.refuse().objects).toBe(1);
  expect(giveBack.mock.calls.some(([{ length }]) => length > 100_000)).toBe(true);
  expect(held - budget.reading.heldBytes).toBeGreaterThan(100_000);
});
