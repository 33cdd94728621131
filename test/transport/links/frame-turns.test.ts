import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FrameTurns } from "../../../src/transport/links/frame-turns.js";

/** WebSockets that note when they are paused and read again. */
function readers(count: number) {
  const turns = new FrameTurns();
  const calls: string[] = [];
  const all = Array.from({ length: count }, (_, index) => ({
    pauseReading: () => calls.push(`pause ${index}`),
    resumeReading: () => calls.push(`resume ${index}`),
  }));
  for (const reader of all) turns.join(reader);
  return { turns, calls, all };
}

test("nothing is paused while there are few frames in a turn, and counting starts again with the next", async () => {
  const { turns, calls, all } = readers(2);
  for (let turn = 0; turn < 3; turn += 1) {
    turns.took(all[0]!, 9_999);
    await nextTurn();
  }
  expect(calls).toEqual([]);
});

test("after too many frames nothing more is read in the turn, and in the next the others come first", async () => {
  const { turns, calls, all } = readers(3);
  turns.took(all[0]!, 10_000);
  expect(calls).toEqual(["pause 0", "pause 1", "pause 2"]);
  await nextTurn();
  expect(calls.slice(3)).toEqual(["resume 1", "resume 2", "resume 0"]);
});

test("those with many short frames are read two a turn, in the order they came, and none that is closed", async () => {
  const { turns, calls, all } = readers(6);
  for (const reader of all) turns.took(reader, 20_000);
  turns.leave(all[1]!);
  calls.length = 0;
  await nextTurn();
  expect(calls).toEqual(["resume 0", "resume 2"]);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  expect(calls).toEqual(["resume 0", "resume 2", "resume 3", "resume 4", "resume 5"]);
});

test("one whose frames were few is not among those that wait for their turn", async () => {
  const { turns, calls, all } = readers(4);
  for (const reader of all.slice(0, 3)) turns.took(reader, 20_000);
  turns.took(all[3]!, 5);
  calls.length = 0;
  await nextTurn();
  expect(calls).toEqual(["resume 3", "resume 0", "resume 1"]);
});
