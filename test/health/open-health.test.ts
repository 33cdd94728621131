import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DiskSpace } from "../../src/health/disk-space.js";
import { type Health, openHealth } from "../../src/health/open-health.js";
import { WritesUnderWay } from "../../src/health/writes-under-way.js";

let sinkState: "ok" | "failing";
let bound: boolean;
let disk: DiskSpace;
let changes: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-02-16T09:30:00.000Z") });
  sinkState = "ok";
  bound = true;
  changes = [];
  disk = new DiskSpace({
    path: "/logs",
    measure: async () => ({ sizeBytes: 100, availableBytes: 50, availableFiles: undefined }),
  });
});
afterEach(() => {
  disk.stop();
  vi.useRealTimers();
});

let configurationFault: string | undefined;

function open(door: Parameters<typeof openHealth>[0]["door"], nodes = 1): Health {
  return openHealth({
    door,
    nodes: () => nodes,
    namedNodes: () => [],
    newNamesExhausted: () => [],
    helpTextsFault: () => undefined,
    sinks: [
      {
        sink: { name: "file:a", kind: "required", health: () => ({ state: sinkState }) },
        writes: new WritesUnderWay(),
      },
    ],
    disks: [disk],
    retention: () => [],
    configurationFault: () => configurationFault,
    longestLagSeconds: () => 0,
    onChange: ({ name, state }) => changes.push(`${name} ${state}`),
  });
}
const listener = { where: "/run/a.sock", isBound: () => bound };
const names = (health: Health, page: "live" | "ready" | "report") =>
  health[page]().checks.map(({ name }) => name);

describe("the pages", () => {
  test("show the checks of a tracer that nodes connect to", () => {
    const health = open({ listener });
    expect(names(health, "live")).toEqual(["event-loop"]);
    expect(names(health, "ready")).toEqual(["listener", "sink:file:a", "disk:/logs"]);
    expect(names(health, "report")).toEqual([
      "listener",
      "nodes",
      "node-names",
      "new-names",
      "node-limits",
      "sink:file:a",
      "disk:/logs",
      "retention",
      "help-texts",
      "configuration",
      "event-loop",
    ]);
    expect(health.report().status).toBe("ok");
    health.stop();
  });

  test("stay ready for a tracer that connects to nodes, some of them absent", () => {
    const targets = ["a:1", "b:2"].map((where) => ({
      where,
      isConnected: () => where === "a:1",
      lastError: () => "ECONNREFUSED",
    }));
    const health = open({ targets });
    expect(names(health, "ready")).toEqual(["sink:file:a", "disk:/logs"]);
    expect(health.ready().status).toBe("ok");
    expect(health.report().status).toBe("degraded");
    expect(health.report().checks.map(({ name, state }) => `${name} ${state}`)).toContain(
      "target:b:2 degraded",
    );
    health.stop();
  });
});

test("a closed listener or a stuck sink makes the tracer unready, and recovery makes it ready again", () => {
  const health = open({ listener });
  bound = false;
  expect(health.ready().status).toBe("failing");
  expect(health.live().status).toBe("ok");
  bound = true;
  expect(health.ready().status).toBe("ok");
  sinkState = "failing";
  vi.advanceTimersByTime(2_000);
  expect(health.ready().status).toBe("failing");
  sinkState = "ok";
  expect(health.ready().status).toBe("ok");
  health.stop();
});

test("a rejected configuration is reported, and is no more than degraded", () => {
  const health = open({ listener });
  configurationFault = "tracer.yaml:1:1: networkMagic: is missing";
  expect(health.ready().status).toBe("ok");
  expect(health.report()).toMatchObject({ status: "degraded" });
  expect(health.report().checks.find(({ name }) => name === "configuration")?.reason).toContain(
    configurationFault,
  );
  configurationFault = undefined;
  expect(health.report().status).toBe("ok");
  health.stop();
});

test("changes are noticed even if nobody reads a page", async () => {
  const health = open({ listener });
  sinkState = "failing";
  await vi.advanceTimersByTimeAsync(10_000);
  expect(changes).toEqual(["sink:file:a degraded", "sink:file:a failing"]);
  health.stop();
});

test("a stop ends the checks, is idempotent, and leaves no timer", () => {
  const health = open({ listener });
  health.stop();
  health.stop();
  disk.stop();
  sinkState = "failing";
  vi.advanceTimersByTime(10_000);
  expect(changes).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
