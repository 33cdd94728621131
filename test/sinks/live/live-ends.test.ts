import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LiveFilter, type LiveQuery } from "../../../src/sinks/live/live-filter.js";
import { LiveSink } from "../../../src/sinks/live/live-sink.js";
import { TimeBudget } from "../../../src/sinks/live/time-budget.js";
import { batchOf } from "../../batches.js";
import { CountedAccount, identity } from "./accounts.js";

// What viewers and nodes leave behind.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function opened() {
  const sink = new LiveSink({ budget: new TimeBudget({ now: () => 0, utilization: () => 0 }) });
  const texts: string[] = [];
  const watch = async (query: LiveQuery = {}) => {
    const filter = await LiveFilter.of(query);
    const viewer = sink.watch(filter, async (text) => {
      texts.push(text);
    })!;
    return { filter, viewer };
  };
  return { sink, texts, watch };
}

describe("messages are sent every tenth of a second", () => {
  test("while anybody watches, and no longer", async () => {
    const { sink, texts, watch } = opened();
    expect(vi.getTimerCount()).toBe(0);
    const [first, second] = [await watch(), await watch({ severity: "Error" })];
    expect(vi.getTimerCount()).toBe(1);
    sink.open(identity("a"), new CountedAccount());
    sink.offer(identity("a"), batchOf([{}]));
    vi.advanceTimersByTime(99);
    expect(texts).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(texts).toHaveLength(1);
    first.viewer.end();
    expect(vi.getTimerCount()).toBe(1);
    second.viewer.end();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("until the sink stops", async () => {
    const { sink, watch } = opened();
    await watch();
    await sink.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a filter that nobody watches with any more is not asked", async () => {
  const { sink, watch } = opened();
  await watch({ text: "else" });
  const { filter, viewer } = await watch();
  const passes = vi.spyOn(filter, "passes");
  sink.open(identity("a"), new CountedAccount());
  sink.offer(identity("a"), batchOf([{}]));
  expect(passes).toHaveBeenCalledTimes(1);
  viewer.end();
  sink.offer(identity("a"), batchOf([{}]));
  expect(passes).toHaveBeenCalledTimes(1);
});

test("another node that gets the connection id of one that has left is not taken for it", async () => {
  const { sink, texts, watch } = opened();
  await watch({ nodes: ["a"] });
  for (const name of ["a", "b"]) {
    const node = { ...identity(name), connectionId: "unix-1" };
    sink.open(node, new CountedAccount());
    sink.offer(node, batchOf([{ machine: `of ${name}` }]));
    sink.close(node);
  }
  sink.flush();
  expect(
    texts.map((text) => JSON.parse(text).objects.map(({ machine }: { machine: string }) => machine)),
  ).toEqual([["of a"]]);
});

test("a message has a million characters and one object more at most", async () => {
  const { sink, texts, watch } = opened();
  await watch();
  sink.open(identity("a"), new CountedAccount());
  for (let count = 0; count < 25; count += 1)
    sink.offer(identity("a"), batchOf([{ machine: "x".repeat(60_000) }]));
  sink.flush();
  const longest = Math.max(...texts.map(({ length }) => length));
  expect(longest).toBeGreaterThan(1_000_000);
  expect(longest).toBeLessThan(1_048_576 + 70_000);
});
