import { expect, test } from "vitest";
import { Looking } from "../../src/nodes/looking.js";

const record = 16 * 1_024;

/** Two nodes, and the nodes that were scanned, in order. */
function twoNodes() {
  const looks: string[] = [];
  const node = (name: string) => ({ look: () => looks.push(name) });
  return { looking: new Looking(), looks, one: node("one"), other: node("other") };
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test("small pieces of one node are decoded together at the end of the turn", async () => {
  const { looking, looks, one } = twoNodes();
  for (let piece = 0; piece < 10; piece += 1) expect(looking.begin(one, record)).toBe(true);
  expect(looks).toEqual([]);
  await endOfTurn();
  expect(looks).toEqual(["one"]);
  await endOfTurn();
  expect(looks).toEqual(["one"]);
});

test("another node's piece ends the wait, so that only one node waits at a time", async () => {
  const { looking, looks, one, other } = twoNodes();
  looking.begin(one, record);
  looking.begin(one, record);
  looking.begin(other, record);
  expect(looks).toEqual(["one"]);
  await endOfTurn();
  expect(looks).toEqual(["one", "other"]);
});

test("at most as much waits as one batch has memory for", () => {
  const { looking, looks, one } = twoNodes();
  for (let piece = 0; piece < 16; piece += 1) looking.begin(one, record);
  expect(looks).toEqual([]);
  looking.begin(one, record);
  expect(looks).toEqual(["one"]);
});

test("a large piece is decoded without waiting, after the pieces before it", () => {
  const { looking, looks, one } = twoNodes();
  expect(looking.begin(one, 4 * record)).toBe(false);
  expect(looks).toEqual([]);
  looking.begin(one, record);
  expect(looking.begin(one, 15.5 * record)).toBe(false);
  expect(looks).toEqual(["one"]);
});
