import { expect, test } from "vitest";
import { loopSlices } from "../../src/http/loop-slices.js";

test("one slice runs in a turn of the event loop, in the order of asking", async () => {
  const ran: string[] = [];
  let turn = 0;
  let isOver = false;
  const count = () => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const worker = async (name: string) => {
    for (let i = 0; i < 3; i += 1) {
      await loopSlices.turn();
      ran.push(`${name} ${turn}`);
    }
  };
  await Promise.all(["a", "b", "c"].map(worker));
  isOver = true;
  expect(ran.map((entry) => entry[0])).toEqual([..."abcabcabc"]);
  expect(new Set(ran.map((entry) => entry.slice(2))).size).toBe(9);
});
