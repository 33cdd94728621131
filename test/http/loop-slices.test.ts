import { expect, test } from "vitest";
import { loopSlices } from "../../src/http/loop-slices.js";

test("one long task runs per turn of the event loop, in the order of the requests", async () => {
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

test("between two long tasks there are turns in which new connections are accepted", async () => {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  await loopSlices.turn();
  setImmediate(count);
  await loopSlices.turn();
  isOver = true;
  expect(turns).toBeGreaterThan(10);
});

test("short tasks share a slice, and new ones wait for the next", async () => {
  const ran: string[] = [];
  await new Promise<void>((resolve) => {
    loopSlices.run(() => {
      ran.push("a");
      loopSlices.run(() => {
        ran.push("again");
        resolve();
      });
      setImmediate(() => ran.push("next turn"));
    });
    loopSlices.run(() => ran.push("b"));
  });
  expect(ran.slice(0, 2)).toEqual(["a", "b"]);
  expect(ran).toContain("again");
  expect(ran.indexOf("again")).toBeGreaterThan(1);
});
