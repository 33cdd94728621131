import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../src/registry/clock.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("what is due after a while happens once, unless it is called off", () => {
  const action = vi.fn();
  systemClock.after(100, action);
  const callOff = systemClock.after(100, action);
  callOff();
  vi.advanceTimersByTime(99);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledOnce();
});

test("what is due every so often happens until it is called off", () => {
  const action = vi.fn();
  const callOff = systemClock.every(100, action);
  vi.advanceTimersByTime(350);
  expect(action).toHaveBeenCalledTimes(3);
  callOff();
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledTimes(3);
});
