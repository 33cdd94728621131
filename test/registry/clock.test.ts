import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../src/registry/clock.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a timeout fires once, unless it is cancelled", () => {
  const action = vi.fn();
  systemClock.after(100, action);
  const callOff = systemClock.after(100, action);
  callOff();
  vi.advanceTimersByTime(99);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledOnce();
});

test("an interval fires repeatedly until it is cancelled", () => {
  const action = vi.fn();
  const callOff = systemClock.every(100, action);
  vi.advanceTimersByTime(350);
  expect(action).toHaveBeenCalledTimes(3);
  callOff();
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledTimes(3);
});
