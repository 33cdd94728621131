import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { settledWithin } from "../../src/base/deadline.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["ends", () => Promise.resolve()],
  ["fails", () => Promise.reject(new Error("no"))],
  ["is absent", () => undefined],
])("work that %s in time leaves no timer, which would keep the process alive", async (_, work) => {
  await settledWithin(work(), 10_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("work that hangs is waited for until the deadline, and no longer", async () => {
  let isOver = false;
  const waited = settledWithin(new Promise(() => {}), 10_000).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(9_999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await waited;
});
