import { expect, test } from "vitest";
import { ReadingGate } from "../../src/nodes/reading-gate.js";
import { ReadingTurns } from "../../src/nodes/reading-turns.js";

function gates() {
  const turns = new ReadingTurns();
  const gate = new ReadingGate({ turns, pause: () => {}, resume: () => {} });
  return { turns, gate };
}

test("a batch that has arrived no longer makes others wait for their turns", () => {
  const { turns, gate } = gates();
  const arrived = gate.begin(3 * 2 ** 20);
  expect(turns.areNeeded).toBe(true);
  gate.end();
  arrived();
  expect(turns.areNeeded).toBe(false);
});

test("a node waits for its turn after 64 KiB that became no batch", () => {
  const { gate } = gates();
  gate.worked(0, 64 * 1_024 - 1);
  expect(gate.isPaused).toBe(false);
  gate.worked(0, 1);
  expect(gate.isPaused).toBe(true);
  gate.end();
});

test("a connection that is gone waits for no turn", () => {
  const { turns, gate } = gates();
  gate.end();
  gate.begin(3 * 2 ** 20);
  gate.worked(0, 2 ** 20);
  expect(turns.holds(gate)).toBe(false);
});
