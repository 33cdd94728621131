import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BackPressure } from "../../src/pino/back-pressure.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Back-pressure for a forwarder whose `stats` the test changes. */
function backPressureWith({ most = 100, mostCharacters = 1_000_000 } = {}) {
  const stats = { queued: 0, queuedCharacters: 0, sent: 0, dropped: 0, unusable: 0, connections: 1 };
  return {
    stats,
    backPressure: new BackPressure({ forwarder: { stats: () => stats }, most, mostCharacters }),
  };
}

/** Tells whether a line may be sent by now. */
function watched(room: Promise<void> | undefined): () => boolean {
  let isOver = room === undefined;
  void room?.then(() => {
    isOver = true;
  });
  return () => isOver;
}

test("a line waits while the queue is full, until half of it is sent", async () => {
  const { stats, backPressure } = backPressureWith();
  for (let line = 0; line < 100; line += 1) expect(backPressure.roomFor(10)).toBeUndefined();
  Object.assign(stats, { queued: 100, queuedCharacters: 10_000 });
  const maySend = watched(backPressure.roomFor(10));
  Object.assign(stats, { queued: 60, sent: 40 });
  await vi.advanceTimersByTimeAsync(50);
  expect(maySend()).toBe(false);
  Object.assign(stats, { queued: 49, sent: 51 });
  await vi.advanceTimersByTimeAsync(50);
  expect(maySend()).toBe(true);
});

test("long lines wait for room, however few they are, and one that is longer than the whole queue waits until it is empty", async () => {
  const { stats, backPressure } = backPressureWith();
  expect(backPressure.roomFor(400_000)).toBeUndefined();
  Object.assign(stats, { queued: 1, queuedCharacters: 800_000 });
  const second = watched(backPressure.roomFor(200_000));
  await vi.advanceTimersByTimeAsync(50);
  expect(second()).toBe(false);
  Object.assign(stats, { queued: 0, queuedCharacters: 0, sent: 1 });
  await vi.advanceTimersByTimeAsync(50);
  expect(second()).toBe(true);
  Object.assign(stats, { queued: 1, queuedCharacters: 400 });
  const huge = watched(backPressure.roomFor(900_000));
  await vi.advanceTimersByTimeAsync(50);
  expect(huge()).toBe(false);
  Object.assign(stats, { queued: 0, queuedCharacters: 0, sent: 2 });
  await vi.advanceTimersByTimeAsync(50);
  expect(huge()).toBe(true);
});

test("lines do not wait for a tracer that accepts nothing for a second, until it accepts something", async () => {
  const { stats, backPressure } = backPressureWith();
  Object.assign(stats, { queued: 100, queuedCharacters: 10_000 });
  for (let line = 0; line < 100; line += 1) backPressure.roomFor(10);
  const maySend = watched(backPressure.roomFor(10));
  await vi.advanceTimersByTimeAsync(900);
  expect(maySend()).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(maySend()).toBe(true);
  expect(backPressure.roomFor(10)).toBeUndefined();
  stats.sent = 1;
  expect(backPressure.roomFor(10)).toBeDefined();
});
