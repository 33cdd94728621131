import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FewInTurn } from "../../src/transport/few-in-turn.js";

test("work begins in its order, a few pieces in each turn", async () => {
  const turns = new FewInTurn(2);
  const begun: number[] = [];
  for (let piece = 0; piece < 5; piece += 1) turns.add(() => begun.push(piece));
  expect(begun).toEqual([]);
  await nextTurn();
  expect(begun).toEqual([0, 1]);
  turns.add(() => begun.push(5));
  await nextTurn();
  expect(begun).toEqual([0, 1, 2, 3]);
  await nextTurn();
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
});
