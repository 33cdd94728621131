import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Patience } from "../../src/pino/patience.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A forwarder with what waits in it, which the test changes. */
function patienceWith({ most = 100, mostCharacters = 1_000_000 } = {}) {
  const stats = { queued: 0, queuedCharacters: 0, sent: 0, dropped: 0, unusable: 0, connections: 1 };
  return { stats, patience: new Patience({ forwarder: { stats: () => stats }, most, mostCharacters }) };
}

/** Whether a line has its turn by now. */
function watched(relief: Promise<void> | undefined): () => boolean {
  let isOver = relief === undefined;
  void relief?.then(() => {
    isOver = true;
  });
  return () => isOver;
}

test("a line waits while as many wait as may, until half of them are gone", async () => {
  const { stats, patience } = patienceWith();
  for (let line = 0; line < 100; line += 1) expect(patience.relief(10)).toBeUndefined();
  Object.assign(stats, { queued: 100, queuedCharacters: 10_000 });
  const hasTurn = watched(patience.relief(10));
  Object.assign(stats, { queued: 60, sent: 40 });
  await vi.advanceTimersByTimeAsync(50);
  expect(hasTurn()).toBe(false);
  Object.assign(stats, { queued: 49, sent: 51 });
  await vi.advanceTimersByTimeAsync(50);
  expect(hasTurn()).toBe(true);
});

test("long lines wait for room, however few they are, and one that is longer than all the room waits to be alone", async () => {
  const { stats, patience } = patienceWith();
  expect(patience.relief(400_000)).toBeUndefined();
  Object.assign(stats, { queued: 1, queuedCharacters: 800_000 });
  const second = watched(patience.relief(200_000));
  await vi.advanceTimersByTimeAsync(50);
  expect(second()).toBe(false);
  Object.assign(stats, { queued: 0, queuedCharacters: 0, sent: 1 });
  await vi.advanceTimersByTimeAsync(50);
  expect(second()).toBe(true);
  Object.assign(stats, { queued: 1, queuedCharacters: 400 });
  const huge = watched(patience.relief(900_000));
  await vi.advanceTimersByTimeAsync(50);
  expect(huge()).toBe(false);
  Object.assign(stats, { queued: 0, queuedCharacters: 0, sent: 2 });
  await vi.advanceTimersByTimeAsync(50);
  expect(huge()).toBe(true);
});

test("a tracer that accepts nothing for a second is not waited for, until it accepts something", async () => {
  const { stats, patience } = patienceWith();
  Object.assign(stats, { queued: 100, queuedCharacters: 10_000 });
  for (let line = 0; line < 100; line += 1) patience.relief(10);
  const hasTurn = watched(patience.relief(10));
  await vi.advanceTimersByTimeAsync(900);
  expect(hasTurn()).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(hasTurn()).toBe(true);
  expect(patience.relief(10)).toBeUndefined();
  stats.sent = 1;
  expect(patience.relief(10)).toBeDefined();
});
