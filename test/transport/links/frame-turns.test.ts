import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FrameTurns } from "../../../src/transport/links/frame-turns.js";

function readers(count: number) {
  const readOn: number[] = [];
  const all = Array.from({ length: count }, (_, index) => ({ readOn: () => readOn.push(index) }));
  return { all, readOn };
}

test("a WebSocket waits when too many frames came in one turn, and is read on in the next", async () => {
  const turns = new FrameTurns();
  const { all, readOn } = readers(1);
  expect(turns.took(all[0]!, 9_999)).toBe(false);
  expect(turns.took(all[0]!, 9_999)).toBe(true);
  expect(readOn).toEqual([]);
  await nextTurn();
  expect(readOn).toEqual([0]);
  expect(turns.took(all[0]!, 9_999)).toBe(false);
});

test("one with few frames never waits, whatever others send", () => {
  const turns = new FrameTurns();
  const { all } = readers(2);
  expect(turns.took(all[0]!, 50_000)).toBe(true);
  expect(turns.took(all[1]!, 10)).toBe(false);
});

test("those that wait are read on a few at a time, in the order they came, and none that is closed", async () => {
  const turns = new FrameTurns();
  const { all, readOn } = readers(6);
  for (const reader of all) turns.took(reader, 20_000);
  turns.leave(all[1]!);
  await nextTurn();
  expect(readOn).toEqual([0, 2]);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  expect(readOn).toEqual([0, 2, 3, 4, 5]);
});
