import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/forwarder/clock.js";

vi.mock("node:timers/promises", () => ({ setTimeout: vi.fn(async () => {}) }));

test("a sleep longer than the longest timer is split into several timers", async () => {
  const days = 24 * 60 * 60 * 1_000;
  await systemClock.sleep(60 * days, new AbortController().signal);
  const pieces = vi.mocked(delay).mock.calls.map(([milliseconds]) => milliseconds!);
  expect(pieces.every((piece) => piece < 2 ** 31)).toBe(true);
  expect(pieces.reduce((sum, piece) => sum + piece, 0)).toBe(60 * days);
});
