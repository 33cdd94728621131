import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { diskCheck } from "../../src/health/disk-check.js";
import { type DiskReading, DiskSpace } from "../../src/health/disk-space.js";
import { listenerCheck, nodesCheck, targetCheck } from "../../src/health/door-checks.js";
import { eventLoopCheck } from "../../src/health/event-loop-check.js";
import type { HealthState } from "../../src/health/health-report.js";
import { helpTextsCheck } from "../../src/health/help-texts-check.js";
import { linkCheck } from "../../src/health/link-check.js";
import { clashingNamesCheck, type NamedNode, newNamesCheck } from "../../src/health/names-checks.js";
import { nodeLimitsCheck } from "../../src/health/node-limits-check.js";
import { otlpInCheck } from "../../src/health/otlp-in-check.js";
import { type RetentionFault, retentionCheck } from "../../src/health/retention-check.js";
import { sinkCheck } from "../../src/health/sink-check.js";
import { WritesUnderWay } from "../../src/health/writes-under-way.js";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-02-16T09:30:00.000Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a sink", () => {
  let health: { state: "ok" | "degraded" | "failing"; reason?: string; action?: string };
  let writes: WritesUnderWay;
  const checkOf = (required: boolean) =>
    sinkCheck(
      {
        name: "file:a",
        kind: required ? "required" : "best-effort",
        whenStuck: "Ask the sink.",
        health: () => health,
      },
      writes,
    );

  beforeEach(() => {
    health = { state: "ok" };
    writes = new WritesUnderWay();
  });

  test("has a name, and decides about readiness if it is required", () => {
    expect(checkOf(true)).toMatchObject({ name: "sink:file:a", pages: "ready" });
    expect(checkOf(false)).toMatchObject({ name: "sink:file:a", pages: "none" });
  });

  test("is ok before its first batch", () => {
    expect(checkOf(true).find()).toEqual({ state: "ok" });
  });

  test("reports the action that the sink recommends", () => {
    const check = checkOf(true);
    health = { state: "degraded", reason: "the queue is full", action: "Start the server." };
    expect(check.find()).toMatchObject(health);
    health = { state: "failing", reason: "no answer", action: "Check the network." };
    expect(check.find()).toMatchObject({ reason: "no answer", action: "Check the network." });
  });

  test("is degraded when writes fail, and failing after a second of it", () => {
    const check = checkOf(true);
    health = { state: "failing", reason: "write /a: ENOSPC" };
    expect(check.find()).toMatchObject({ state: "degraded", reason: "write /a: ENOSPC" });
    vi.advanceTimersByTime(999);
    expect(check.find().state).toBe("degraded");
    vi.advanceTimersByTime(1);
    expect(check.find().state).toBe("failing");
  });

  test("is ok as soon as writes succeed, and the next fault is again degraded for a second", () => {
    const check = checkOf(true);
    health = { state: "failing" };
    check.find();
    vi.advanceTimersByTime(5_000);
    health = { state: "ok" };
    expect(check.find().state).toBe("ok");
    health = { state: "failing" };
    expect(check.find().state).toBe("degraded");
  });

  test("is judged by how long it has failed, even if the time of day jumps", () => {
    const check = checkOf(true);
    health = { state: "failing" };
    check.find();
    vi.setSystemTime(Date.parse("2020-01-01T00:00:00.000Z"));
    vi.advanceTimersByTime(1_000);
    expect(check.find().state).toBe("failing");
  });

  test("is failing if a write neither succeeds nor fails", () => {
    const check = checkOf(true);
    const ticket = writes.begin();
    vi.advanceTimersByTime(1_999);
    expect(check.find().state).toBe("ok");
    vi.advanceTimersByTime(1_001);
    expect(check.find()).toMatchObject({ state: "failing", reason: "a write has not finished for 3 s" });
    writes.end(ticket, true);
    expect(check.find().state).toBe("ok");
  });

  test("says what its sink says if a write does not end: the reason if it knows one, and what to do", () => {
    const check = checkOf(true);
    writes.begin();
    vi.advanceTimersByTime(3_000);
    expect(check.find()).toMatchObject({
      reason: "a write has not finished for 3 s",
      action: "Ask the sink.",
    });
    health = { state: "degraded", reason: "the collector rejects records", action: "See its log." };
    expect(check.find()).toMatchObject({
      state: "failing",
      reason: "a write has not finished for 3 s: the collector rejects records",
      action: "See its log.",
    });
  });

  test("that may miss batches is degraded at worst", () => {
    const check = checkOf(false);
    writes.begin();
    vi.advanceTimersByTime(60_000);
    expect(check.find().state).toBe("degraded");
    health = { state: "failing" };
    check.find();
    vi.advanceTimersByTime(60_000);
    expect(check.find().state).toBe("degraded");
  });

  test("reports when it last succeeded and when it last failed", () => {
    const check = checkOf(true);
    writes.end(writes.begin(), true);
    expect(check.find()).toEqual({ state: "ok", lastSuccess: "2026-02-16T09:30:00.000Z" });
    vi.advanceTimersByTime(1_000);
    health = { state: "failing" };
    expect(check.find()).toMatchObject({
      lastSuccess: "2026-02-16T09:30:00.000Z",
      lastFailure: "2026-02-16T09:30:01.000Z",
    });
    vi.advanceTimersByTime(1_000);
    health = { state: "ok" };
    writes.end(writes.begin(), true);
    expect(check.find()).toEqual({
      state: "ok",
      lastSuccess: "2026-02-16T09:30:02.000Z",
      lastFailure: "2026-02-16T09:30:01.000Z",
    });
  });

  test("does not count a batch it gave up as a success", () => {
    writes.end(writes.begin(), false);
    expect(checkOf(true).find()).toEqual({ state: "ok" });
  });
});

test("the oldest of several writes decides, in whatever order they end", () => {
  const writes = new WritesUnderWay();
  const tickets = [0, 1, 2].map(() => {
    vi.advanceTimersByTime(100);
    return writes.begin();
  });
  expect(writes.oldestMs).toBe(200);
  writes.end(tickets[1]!, true);
  expect(writes.oldestMs).toBe(200);
  writes.end(tickets[0]!, true);
  expect(writes.oldestMs).toBe(0);
  vi.advanceTimersByTime(50);
  expect(writes.oldestMs).toBe(50);
  writes.end(tickets[2]!, true);
  expect(writes.oldestMs).toBe(0);
});

describe("a disk", () => {
  const gigabyte = 1024 ** 3;
  async function stateOf(reading: Partial<DiskReading> | Error): Promise<HealthState> {
    const disk = new DiskSpace({
      path: "/logs",
      measure: async () => {
        if (reading instanceof Error) throw reading;
        return { sizeBytes: 0, availableBytes: 0, availableFiles: undefined, ...reading };
      },
    });
    await vi.advanceTimersByTimeAsync(0);
    disk.stop();
    return diskCheck(disk).find().state;
  }

  test.each<[string, Partial<DiskReading> | Error, HealthState]>([
    ["half full", { sizeBytes: 100 * gigabyte, availableBytes: 50 * gigabyte }, "ok"],
    ["small and almost empty", { sizeBytes: 2_000_000, availableBytes: 1_900_000 }, "ok"],
    ["small and almost full", { sizeBytes: 2_000_000, availableBytes: 99_000 }, "degraded"],
    ["huge with 3 GiB left", { sizeBytes: 4_000 * gigabyte, availableBytes: 3 * gigabyte }, "ok"],
    ["huge with 1 GiB left", { sizeBytes: 4_000 * gigabyte, availableBytes: gigabyte }, "degraded"],
    ["full", { sizeBytes: 2_000_000, availableBytes: 0 }, "failing"],
    ["short of inodes", { sizeBytes: 100, availableBytes: 50, availableFiles: 10 }, "degraded"],
    ["supplied with enough inodes", { sizeBytes: 100, availableBytes: 50, availableFiles: 10_000 }, "ok"],
    ["missing", new Error("ENOENT"), "degraded"],
  ])("has the right state if it is %s", async (_, reading, expected) => {
    expect(await stateOf(reading)).toBe(expected);
  });

  test("is failing after two seconds without an answer, until it answers", async () => {
    let answer!: (reading: DiskReading) => void;
    const disk = new DiskSpace({
      path: "/logs",
      measure: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const check = diskCheck(disk);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(check.find().state).toBe("ok");
    await vi.advanceTimersByTimeAsync(1);
    expect(check.find()).toMatchObject({ state: "failing", reason: expect.stringContaining("/logs") });
    answer({ sizeBytes: 100, availableBytes: 50, availableFiles: undefined });
    await vi.advanceTimersByTimeAsync(0);
    expect(check.find().state).toBe("ok");
    disk.stop();
  });
});

test.each([
  [true, "ok"],
  [false, "failing"],
])("a listener with isBound = %s is %s", (isBound, state) => {
  const check = listenerCheck({ where: "/run/a.sock", isBound: () => isBound });
  expect(check).toMatchObject({ name: "listener", pages: "ready" });
  expect(check.find().state).toBe(state);
});

test("a link is checked as what it is: a listener or a target, under its own name", () => {
  const listening = linkCheck({ where: "wss://a", isBound: () => false });
  expect(listening).toMatchObject({ name: "link:wss://a", pages: "ready" });
  expect(listening.find().state).toBe("failing");
  const connecting = linkCheck({ where: "wss://b", isConnected: () => false, lastError: () => undefined });
  expect(connecting).toMatchObject({ name: "link:wss://b", pages: "none" });
  expect(connecting.find()).toMatchObject({
    state: "degraded",
    action: expect.stringContaining("muninn.links"),
  });
});

test("an absent target is degraded, with its error, and affects only /healthz", () => {
  const state: { connected: boolean; error?: string } = { connected: false };
  const check = targetCheck({
    where: "10.0.0.7:3001",
    isConnected: () => state.connected,
    lastError: () => state.error,
  });
  expect(check).toMatchObject({ name: "target:10.0.0.7:3001", pages: "none" });
  expect(check.find()).toMatchObject({ state: "degraded", reason: "10.0.0.7:3001 is not connected" });
  state.error = "ECONNREFUSED";
  expect(check.find().reason).toBe("10.0.0.7:3001 is not connected: ECONNREFUSED");
  state.connected = true;
  expect(check.find()).toEqual({ state: "ok" });
});

test.each([
  [0, "degraded"],
  [1, "ok"],
])("%i connected nodes are %s", (count, state) => {
  const check = nodesCheck(() => count);
  expect(check.pages).toBe("none");
  expect(check.find().state).toBe(state);
});

describe("the names of nodes", () => {
  const node = (name: string, clash?: NamedNode["clash"]): NamedNode => ({
    node: { name, slug: name.toLowerCase() },
    clash,
  });

  test("are ok as long as each node has the names it wanted", () => {
    const check = clashingNamesCheck(() => [node("Relay"), node("Core")]);
    expect(check).toMatchObject({ name: "node-names", pages: "none" });
    expect(check.find()).toEqual({ state: "ok" });
  });

  test("are degraded while they clash, with each holder's name, until one has left", () => {
    const nodes = [
      node("Relay"),
      node("Relay_unix-2", { of: "directory", holder: { name: "Relay" } }),
      node("A-B", { of: "slug", holder: { name: "a_b" } }),
      node("Metrics", { of: "slug", holder: undefined }),
    ];
    const check = clashingNamesCheck(() => nodes);
    expect(check.find()).toMatchObject({
      state: "degraded",
      reason:
        "a node is called Relay_unix-2: Relay already has its name, A-B is at /a-b: a_b already has its name, " +
        "Metrics is at /metrics: its path is one of Muninn's own",
    });
    nodes.splice(1);
    expect(check.find()).toEqual({ state: "ok" });
  });

  test("distinguish another tracer's directories below the same root from clashes with other nodes", () => {
    const clash = { of: "directory" as const, holder: undefined, tracer: "process 7" };
    expect(clashingNamesCheck(() => [node("Relay_unix-1", clash)]).find()).toMatchObject({
      state: "degraded",
      reason: "a node is called Relay_unix-1: another tracer (process 7) already writes logs under its name",
    });
  });

  test("are listed only in part if hundreds clash", () => {
    const nodes = Array.from({ length: 300 }, (_, i) =>
      node(`n${i}`, { of: "directory", holder: { name: "n" } }),
    );
    const { reason } = clashingNamesCheck(() => nodes).find();
    expect(reason).toMatch(/^a node is called n0: .* and 295 more$/);
  });

  test("are degraded if too many come from one address", () => {
    const addresses: string[] = [];
    const check = newNamesCheck(() => addresses);
    expect(check).toMatchObject({ name: "new-names", pages: "none" });
    expect(check.find()).toEqual({ state: "ok" });
    addresses.push("10.0.0.7");
    expect(check.find()).toMatchObject({
      state: "degraded",
      reason: expect.stringContaining("from 10.0.0.7;"),
    });
  });
});

test("a node that reaches a limit is degraded until five minutes after the last time", () => {
  const metrics = { refused: 0 };
  let nodes = [
    { node: { name: "Relay" }, metrics },
    { node: { name: "Core" }, metrics: { refused: 0 } },
  ];
  const check = nodeLimitsCheck(() => nodes);
  expect(check).toMatchObject({ name: "node-limits", pages: "none" });
  expect(check.find()).toEqual({ state: "ok" });
  metrics.refused = 3;
  expect(check.find()).toMatchObject({
    state: "degraded",
    reason: "Relay sent more metrics than are kept",
  });
  vi.advanceTimersByTime(200_000);
  metrics.refused = 4;
  expect(check.find().state).toBe("degraded");
  vi.advanceTimersByTime(299_999);
  expect(check.find().state).toBe("degraded");
  vi.advanceTimersByTime(1);
  expect(check.find()).toEqual({ state: "ok" });
  // It connects again, and its counter starts again.
  nodes = [{ node: { name: "Relay" }, metrics: { refused: 1 } }];
  expect(check.find().state).toBe("degraded");
  nodes = [];
  expect(check.find()).toEqual({ state: "ok" });
});

test.each([
  [59_999, "degraded"],
  [60_000, "ok"],
])("%i ms after an exporter was turned away OTLP is %s", (milliseconds, state) => {
  const { find, pages } = otlpInCheck({ resources: () => 3, sinceBusyMs: () => milliseconds });
  expect(pages).toBe("none");
  expect(find()).toMatchObject({ state });
  if (state === "ok") expect(find().reason).toBe("3 resources are sending");
});

test("unreadable help texts are degraded, with the reason", () => {
  let fault: string | undefined = "help.yaml cannot be read: no such file";
  const check = helpTextsCheck(() => fault);
  expect(check).toMatchObject({ name: "help-texts", pages: "none" });
  expect(check.find()).toMatchObject({
    state: "degraded",
    reason: "metricsHelp: help.yaml cannot be read: no such file",
  });
  fault = undefined;
  expect(check.find()).toEqual({ state: "ok" });
});

test("failing retention is degraded and names every root", () => {
  const faults: RetentionFault[] = [];
  const check = retentionCheck(() => faults);
  expect(check.find()).toEqual({ state: "ok" });
  faults.push(
    { root: "/a", code: "undeletable", error: new Error("EACCES") },
    { root: "/b", code: "undeletable", error: new Error("EROFS") },
    { root: "/c", code: "from-the-future", count: 2, latest: "/c/a/node-2028-01-01T00-00-00.json" },
  );
  expect(check).toMatchObject({ name: "retention", pages: "none" });
  expect(check.find()).toMatchObject({
    state: "degraded",
    reason:
      "old files below /a cannot be deleted: EACCES; old files below /b cannot be deleted: EROFS; " +
      "2 files below /c are from the future, the latest dated /c/a/node-2028-01-01T00-00-00.json",
    action: expect.stringContaining("Check the clock"),
  });
  faults.splice(0, 2);
  faults[0] = { root: "/c", code: "from-the-future", count: 1, latest: "/c/a/node-2028-01-01T00-00-00.json" };
  expect(check.find()).toMatchObject({
    reason: "a file below /c is from the future: /c/a/node-2028-01-01T00-00-00.json",
  });
});

test.each([
  [0.2, "ok"],
  [1, "degraded"],
  [30, "degraded"],
])("an event loop that stalled for %d s is %s, never worse", (seconds, state) => {
  const check = eventLoopCheck(() => seconds);
  expect(check.pages).toBe("live");
  expect(check.find().state).toBe(state);
});
