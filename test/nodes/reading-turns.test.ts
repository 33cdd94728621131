import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Passage, ReadingTurns } from "../../src/nodes/reading-turns.js";

const mebibyte = 1_024 * 1_024;
/** The bytes being written from which turns are needed, and the bytes that one turn counts for. */
const enoughBytes = 2 * mebibyte;
const bytesOfTurn = mebibyte / 4;
/** The bytes being written from which every node has to wait. */
const tooManyBytes = 8 * mebibyte;
/** The wait at the start, while files are created; and the one if batches end quickly. */
const patienceMs = 250;
const usualPatienceMs = 25;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Nodes by number; `told` has those that were notified, in order. */
function numberedNodes(count: number) {
  const told: number[] = [];
  const nodes = Array.from({ length: count }, (_, number) => ({ turnChanged: () => void told.push(number) }));
  return { told, nodes };
}

/** Nodes that wait, in this order; `called` has the numbers of those whose turn has come. */
function waitingNodes(turns: ReadingTurns, count: number) {
  const { told: called, nodes } = numberedNodes(count);
  for (const node of nodes) turns.wait(node);
  return { called, nodes };
}

/** One turn of the event loop. */
async function turn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1);
}

test("turns are needed while more than enough bytes are being written", () => {
  const turns = new ReadingTurns();
  turns.begin(enoughBytes);
  expect(turns.areNeeded).toBe(false);
  const passage = turns.begin(1);
  expect(turns.areNeeded).toBe(true);
  turns.end(passage);
  expect(turns.areNeeded).toBe(false);
});

test("turns are needed while others wait, however little is being written", () => {
  const turns = new ReadingTurns();
  const { nodes } = waitingNodes(turns, 1);
  expect(turns.areNeeded).toBe(true);
  expect(turns.holds(nodes[0]!)).toBe(true);
  turns.leave(nodes[0]!);
  expect(turns.areNeeded).toBe(false);
  expect(turns.holds(nodes[0]!)).toBe(false);
});

test("no node is called while enough is being written; then one after the other, as room permits", async () => {
  const turns = new ReadingTurns();
  const passages = Array.from({ length: enoughBytes / bytesOfTurn }, () => turns.begin(bytesOfTurn));
  const { called } = waitingNodes(turns, 20);
  await turn();
  expect(called).toEqual([]);
  const begun: Passage[] = [];
  for (const passage of passages.splice(0, 3)) turns.end(passage);
  // The called nodes bring as much as they may, in the next turn of the event loop.
  await vi.advanceTimersToNextTimerAsync();
  expect(called).toEqual([0, 1, 2]);
  for (let n = 0; n < 3; n += 1) begun.push(turns.begin(bytesOfTurn));
  await turn();
  expect(called).toEqual([0, 1, 2]);
});

test("a called node with nothing to read uses no room of others", async () => {
  const turns = new ReadingTurns();
  const { called } = waitingNodes(turns, 1_000);
  const turnsOfTheLoop = Math.ceil((1_000 * bytesOfTurn) / enoughBytes);
  for (let n = 0; n < turnsOfTheLoop; n += 1) await vi.advanceTimersToNextTimerAsync();
  expect(called).toEqual(Array.from({ length: 1_000 }, (_, number) => number));
});

test("a node that left is not called", async () => {
  const turns = new ReadingTurns();
  const { called, nodes } = waitingNodes(turns, 3);
  turns.leave(nodes[1]!);
  await turn();
  expect(called).toEqual([0, 2]);
});

test("stalled batches do not count for long: other nodes are still read", async () => {
  const turns = new ReadingTurns();
  const stuck = Array.from({ length: 100 }, () => turns.begin(enoughBytes));
  const { called } = waitingNodes(turns, 10);
  await vi.advanceTimersByTimeAsync(patienceMs - 1);
  expect(called).toEqual([]);
  await vi.advanceTimersByTimeAsync(patienceMs + 1);
  expect(called).toHaveLength(10);
  // Its late end takes nothing away from the count.
  for (const passage of stuck) turns.end(passage);
  turns.begin(enoughBytes);
  expect(turns.areNeeded).toBe(false);
  turns.begin(1);
  expect(turns.areNeeded).toBe(true);
});

test("stalled batches count only briefly if batches usually end quickly", async () => {
  const turns = new ReadingTurns();
  for (let n = 0; n < 100; n += 1) {
    const passage = turns.begin(enoughBytes);
    turns.wait({ turnChanged: () => {} });
    await turn();
    turns.end(passage);
    await turn();
  }
  turns.begin(enoughBytes);
  const { called } = waitingNodes(turns, 1);
  await vi.advanceTimersByTimeAsync(2);
  expect(called).toEqual([]);
  await vi.advanceTimersByTimeAsync(2 * usualPatienceMs);
  expect(called).toEqual([0]);
});

/** Nodes that are read; `held` says which have to wait. */
function joinedNodes(turns: ReadingTurns, count: number) {
  const { told, nodes } = numberedNodes(count);
  for (const node of nodes) turns.join(node);
  const held = () => nodes.flatMap((node, number) => (turns.holds(node) ? [number] : []));
  return { told, nodes, held };
}

test("if far too much arrives at once every node waits, and those not yet read come first afterwards", async () => {
  const turns = new ReadingTurns();
  const { told, nodes, held } = joinedNodes(turns, 4);
  turns.wait(nodes[2]!);
  turns.leave(nodes[3]!);
  const first = turns.begin(tooManyBytes);
  expect(held()).toEqual([2]);
  const second = turns.begin(1);
  expect(held()).toEqual([0, 1, 2]);
  expect(told).toEqual([0, 1]);
  turns.begin(1);
  expect(told).toEqual([0, 1]);
  await turn();
  expect(held()).toEqual([0, 1, 2]);
  turns.end(first);
  turns.end(second);
  await turn();
  expect(held()).toEqual([]);
  expect(told).toEqual([0, 1, 0, 1, 2]);
});

test("stalled batches make others wait once, and not for long, however much they hold", async () => {
  const turns = new ReadingTurns();
  const { told, held } = joinedNodes(turns, 2);
  turns.begin(10 * tooManyBytes);
  expect(held()).toEqual([0, 1]);
  await vi.advanceTimersByTimeAsync(patienceMs + 1);
  expect(held()).toEqual([]);
  turns.begin(tooManyBytes);
  expect(told).toEqual([0, 1, 0, 1]);
  expect(held()).toEqual([]);
});

test("the time for which the event loop was busy does not count as a stall", async () => {
  const turns = new ReadingTurns();
  const { held } = joinedNodes(turns, 2);
  turns.begin(tooManyBytes);
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 10 * patienceMs);
  turns.begin(1);
  expect(held()).toEqual([0, 1]);
  await turn();
  expect(held()).toEqual([0, 1]);
});

test("no timer runs while nobody waits", async () => {
  const turns = new ReadingTurns();
  const passage = turns.begin(2 * enoughBytes);
  const { nodes } = waitingNodes(turns, 1);
  await turn();
  turns.leave(nodes[0]!);
  turns.end(passage);
  await vi.advanceTimersByTimeAsync(patienceMs);
  expect(vi.getTimerCount()).toBe(0);
});

test("after much work in one turn of the event loop the remaining nodes wait for the next", async () => {
  const turns = new ReadingTurns();
  const { told, nodes } = numberedNodes(3);
  for (const node of nodes) turns.join(node);
  turns.worked(15);
  expect(nodes.map((node) => turns.holds(node))).toEqual([false, false, false]);
  await turn();
  turns.worked(15);
  expect(told).toEqual([]);
  turns.worked(15);
  expect(nodes.map((node) => turns.holds(node))).toEqual([true, true, true]);
  await turn();
  expect(nodes.map((node) => turns.holds(node))).toEqual([false, false, false]);
});

test("little work in each of many turns makes no node wait", async () => {
  const turns = new ReadingTurns();
  const { told } = joinedNodes(turns, 2);
  for (let n = 0; n < 200; n += 1) {
    turns.worked(2);
    await turn();
  }
  expect(told).toEqual([]);
});
