import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { describe, expect, test, vi } from "vitest";
import { Arrivals } from "../../src/collect/arrivals.js";
import { ByteBudget } from "../../src/collect/byte-budget.js";
import { MessageParts } from "../../src/collect/message-parts.js";
import { Position } from "../../src/collect/position.js";
import { UnfinishedPayloads } from "../../src/collect/unfinished-payloads.js";

describe("memory", () => {
  test("is given back by those that entered, and whoever waits goes on", async () => {
    const budget = new ByteBudget(100);
    const { signal } = new AbortController();
    const leave = await budget.enter(150, signal);
    const waiting = budget.enter(10, signal);
    expect(budget.bytes).toBe(150);
    leave!();
    const leaveToo = await waiting;
    expect(budget.bytes).toBe(10);
    leaveToo!();
    expect(budget.bytes).toBe(0);
    expect(budget.room()).toBeUndefined();
  });

  test("of messages that arrived is counted until they are taken, or nobody takes them any more", () => {
    const budget = new ByteBudget(1_000_000);
    const arrivals = new Arrivals(budget);
    let arrive = (_: unknown, __: Msg) => {};
    const connection = {
      subscribe: (_: string, { callback }: { callback: typeof arrive }) => {
        arrive = callback;
      },
    } as unknown as NatsConnection;
    arrivals.watched(connection).subscribe("inbox", { callback: () => {} });
    const message = { subject: "traces.a", data: new Uint8Array(100), size: () => 130 } as unknown as Msg;
    for (let count = 0; count < 3; count += 1) arrive(null, message);
    arrive(null, { ...message, subject: "inbox" } as Msg);
    const all = budget.bytes;
    expect(all).toBeGreaterThan(390);
    expect(arrivals.take()).toMatchObject({ headerBytes: 30 });
    expect(budget.bytes).toBe((all * 2) / 3);
    arrivals.end();
    expect(budget.bytes).toBe(0);
    arrive(null, message);
    expect(budget.bytes).toBe(0);
  });

  test("of unfinished payloads is limited: the largest is discarded", () => {
    const unfinished = new UnfinishedPayloads(1_000);
    const [small, large] = [{ evict: vi.fn() }, { evict: vi.fn(() => unfinished.set(large, 0)) }];
    unfinished.set(small, 300);
    unfinished.set(large, 600);
    unfinished.set(small, 500);
    expect(large.evict).toHaveBeenCalledTimes(1);
    expect(small.evict).not.toHaveBeenCalled();
    expect(unfinished).toMatchObject({ bytes: 500, evicted: 1 });
  });
});

describe("parts of a payload", () => {
  const node = { name: "a", directory: "a", slug: "a" };
  const part = (number: number, { start = "s", first = 1 } = {}) => ({
    facts: { start, first, count: 1, node, part: { number, of: 3 } },
    data: Buffer.from(`${number}`),
  });
  const open = () =>
    new MessageParts({ maxBytes: 1_000, unfinished: new UnfinishedPayloads(10_000), onEvicted: () => {} });

  test("are joined in order, and one that comes again is left out", () => {
    const parts = open();
    for (const number of [1, 2, 1, 2, 2]) expect(parts.add(part(number))).toBe("more to come");
    expect(parts.add(part(3))).toMatchObject({ whole: ["1", "2", "3"].map((text) => Buffer.from(text)) });
    expect(parts.hasBegun).toBe(false);
  });

  test.each([
    { what: "without the one before", second: part(3) },
    { what: "of another daemon's start", second: part(2, { start: "t" }) },
    { what: "of another payload", second: part(2, { first: 7 }) },
  ])("$what are missing", ({ second }) => {
    const parts = open();
    parts.add(part(1));
    expect(parts.add(second)).toBe("missing");
  });
});

test("a position remembers the last sixteen series, also when a process opens it again", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-position-"));
  const path = join(directory, "subject.position");
  const position = await Position.open(path, { isSynced: false });
  const begin = (series: string, sequence: number) =>
    position.begin({ sequence, series, first: 1, count: 5, ends: [] });
  for (let number = 1; number <= 200; number += 1) {
    await begin(`${"x".repeat(200)}-${number}`, number);
    position.end();
    // A series that goes on is not the oldest.
    await begin("steady", 1_000 + number);
    position.end();
  }
  await position.close();
  const again = await Position.open(path, { isSynced: false });
  const series = Object.keys(again.written.next);
  expect(series).toHaveLength(16);
  expect(series.at(-1)).toBe("steady");
  expect(series[0]).toMatch(/-186$/);
  expect(again.written.sequence).toBe(1_200);
  await again.close();
  await rm(directory, { recursive: true });
});
