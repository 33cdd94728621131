import { beforeEach, describe, expect, test } from "vitest";
import { type Check, type Finding, ok } from "../../src/health/check.js";
import { HealthMonitor } from "../../src/health/health-monitor.js";
import type { HealthState } from "../../src/health/health-report.js";

const startMs = Date.parse("2026-02-16T09:30:00.000Z");

let nowMs: number;
let findings: Record<string, Finding>;
let changes: string[];
let monitor: HealthMonitor;

function check(name: string, pages: Check["pages"]): Check {
  return { name, pages, find: () => findings[name] ?? { state: "ok" } };
}

beforeEach(() => {
  nowMs = startMs;
  findings = {};
  changes = [];
  monitor = new HealthMonitor({
    checks: [check("loop", "live"), check("door", "ready"), check("sink", "ready"), check("target", "none")],
    now: () => nowMs,
    monotonic: () => 0,
    onChange: ({ name, state }, before) => changes.push(`${name}: ${before} → ${state}`),
  });
});

const statuses = () => [monitor.live().status, monitor.ready().status, monitor.report().status];

test("everything is ok at the start, and since the start", () => {
  expect(statuses()).toEqual(["ok", "ok", "ok"]);
  expect(monitor.report().checks).toEqual(
    ["loop", "door", "sink", "target"].map((name) => ({
      name,
      state: "ok",
      since: "2026-02-16T09:30:00.000Z",
    })),
  );
});

test.each<[string, HealthState, HealthState[]]>([
  ["loop", "degraded", ["degraded", "ok", "degraded"]],
  ["door", "failing", ["ok", "failing", "failing"]],
  ["sink", "degraded", ["ok", "degraded", "degraded"]],
  ["target", "degraded", ["ok", "ok", "degraded"]],
])("a check of the %s that is %s shows on its own pages and on /healthz", (name, state, expected) => {
  findings[name] = { state };
  expect(statuses()).toEqual(expected);
});

test("the worst of several states is the status", () => {
  findings.door = { state: "degraded" };
  findings.sink = { state: "failing" };
  expect(monitor.ready().status).toBe("failing");
});

describe("since", () => {
  test("changes with the state but not with the reason", () => {
    nowMs += 1_000;
    findings.sink = { state: "failing", reason: "no space", action: "free some" };
    expect(monitor.ready().checks[1]).toEqual({
      name: "sink",
      state: "failing",
      since: "2026-02-16T09:30:01.000Z",
      reason: "no space",
      action: "free some",
    });
    nowMs += 1_000;
    findings.sink = { state: "failing", reason: "no directory" };
    expect(monitor.ready().checks[1]).toEqual({
      name: "sink",
      state: "failing",
      since: "2026-02-16T09:30:01.000Z",
      reason: "no directory",
    });
    nowMs += 1_000;
    delete findings.sink;
    expect(monitor.ready().checks[1]).toEqual({
      name: "sink",
      state: "ok",
      since: "2026-02-16T09:30:03.000Z",
    });
  });

  test("is the time of the last look if nobody read a page in between", () => {
    findings.sink = { state: "failing" };
    monitor.look();
    nowMs += 60_000;
    expect(monitor.ready().checks[1]!.since).toBe("2026-02-16T09:30:00.000Z");
  });
});

test("each change is reported once, whoever looks", () => {
  findings.sink = { state: "degraded" };
  monitor.look();
  monitor.ready();
  findings.sink = { state: "failing" };
  monitor.report();
  monitor.look();
  delete findings.sink;
  monitor.look();
  expect(changes).toEqual(["sink: ok → degraded", "sink: degraded → failing", "sink: failing → ok"]);
});

test("pages that are asked for in thousands do not look again each time, the longer a look takes the more rarely", () => {
  let at = 0;
  let looks = 0;
  const slow: Check = {
    name: "slow",
    pages: "live",
    find: () => {
      looks += 1;
      at += 3;
      return ok;
    },
  };
  const busy = new HealthMonitor({ checks: [slow], monotonic: () => at });
  busy.live();
  at += 59;
  for (let time = 0; time < 1_000; time += 1) busy.live();
  expect(looks).toBe(1);
  at += 1;
  busy.live();
  expect(looks).toBe(2);
});
