import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MetricsPoll } from "../../src/nodes/metrics-poll.js";
import { encodeMetricsResponse } from "../../src/protocol/metrics.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const answer = encodeMetricsResponse([]);

function poll(pauseMs = 10_000) {
  const send = vi.fn();
  const metrics = new MetricsPoll({
    pace: { pauseMs, full: false },
    maxAnswerBytes: 1_000,
    silenceMs: 60_000,
    send,
    quietMs: () => 0,
    onRoundTrip: () => {},
    onAnswer: () => ({ number: () => {}, label: () => {}, surplus: () => {}, end: () => {} }),
    onSilence: () => {},
  });
  return { send, metrics };
}

/** Lets this much time pass, including the turns in which nodes are asked. */
async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let turns = 0; turns < 5; turns += 1) await turn();
}

test("a new pace sends no second request while one is under way", async () => {
  const { send, metrics } = poll();
  metrics.start();
  metrics.setPace({ pauseMs: 10, full: false });
  await pass(1_000);
  expect(send).toHaveBeenCalledTimes(1);
  metrics.receive(answer);
  await pass(10);
  expect(send).toHaveBeenCalledTimes(2);
  metrics.end();
});

test("a probe sends a request during a pause, and none while one is under way", async () => {
  const { send, metrics } = poll();
  metrics.start();
  metrics.probe();
  expect(send).toHaveBeenCalledTimes(1);
  metrics.receive(answer);
  metrics.probe();
  expect(send).toHaveBeenCalledTimes(2);
  metrics.end();
});

test("a node that has never answered is asked three times, and not forever", async () => {
  const { send, metrics } = poll();
  metrics.start();
  await pass(3_600_000);
  expect(send).toHaveBeenCalledTimes(3);
  metrics.end();
});

test("requests meet common times: up to a quarter of the pause early, and a quarter of a second at most", async () => {
  for (const [pauseMs, beatMs] of [
    [100, 25],
    [10_000, 250],
  ] as const) {
    const { send, metrics } = poll(pauseMs);
    metrics.start();
    await pass(7);
    metrics.receive(answer);
    let waitedMs = 0;
    for (; send.mock.calls.length === 1; waitedMs += 1) await pass(1);
    expect(waitedMs).toBeLessThanOrEqual(pauseMs);
    expect(waitedMs).toBeGreaterThan(pauseMs - beatMs);
    expect(performance.now() % beatMs).toBeLessThan(1);
    metrics.end();
  }
});

test("once it has ended it requests nothing, whatever arrives", async () => {
  const { send, metrics } = poll(10);
  metrics.start();
  metrics.end();
  metrics.receive(answer);
  metrics.setPace({ pauseMs: 1, full: true });
  metrics.probe();
  await pass(600_000);
  expect(send).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});
