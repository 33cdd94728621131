import { expect, test } from "vitest";
import { ScanBatching } from "../../src/nodes/scan-batching.js";

const record = 16 * 1_024;

/** Two nodes, and the nodes that were scanned, in order. */
function twoNodes() {
  const scans: string[] = [];
  const node = (name: string) => ({ scan: () => scans.push(name) });
  return { batching: new ScanBatching(), scans, one: node("one"), other: node("other") };
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test("small pieces of one node are decoded together at the end of the turn", async () => {
  const { batching, scans, one } = twoNodes();
  for (let piece = 0; piece < 10; piece += 1) expect(batching.begin(one, record)).toBe(true);
  expect(scans).toEqual([]);
  await endOfTurn();
  expect(scans).toEqual(["one"]);
  await endOfTurn();
  expect(scans).toEqual(["one"]);
});

test("another node's piece ends the wait, so that only one node waits at a time", async () => {
  const { batching, scans, one, other } = twoNodes();
  batching.begin(one, record);
  batching.begin(one, record);
  batching.begin(other, record);
  expect(scans).toEqual(["one"]);
  await endOfTurn();
  expect(scans).toEqual(["one", "other"]);
});

test("at most as much waits as one batch has memory for", () => {
  const { batching, scans, one } = twoNodes();
  for (let piece = 0; piece < 16; piece += 1) batching.begin(one, record);
  expect(scans).toEqual([]);
  batching.begin(one, record);
  expect(scans).toEqual(["one"]);
});

test("a large piece is decoded without waiting, after the pieces before it", () => {
  const { batching, scans, one } = twoNodes();
  expect(batching.begin(one, 4 * record)).toBe(false);
  expect(scans).toEqual([]);
  batching.begin(one, record);
  expect(batching.begin(one, 15.5 * record)).toBe(false);
  expect(scans).toEqual(["one"]);
});
