import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HealthReport } from "../../src/health/health-report.js";
import { filesOf } from "../../src/http/places.js";
import { readLines } from "../../src/log-files/line-file.js";
import { findNodeLogs } from "../../src/log-files/node-logs.js";
import { connectionsWithin, readOpenFilesLimit } from "../../src/registry/process-limit.js";
import { eventually } from "../../src/testing/eventually.js";
import { PlainPeer } from "./plain-peer.js";
import { runningIn } from "./running.js";

// A tracer that has everything: how its parts meet, how many files it may open, and what it leaves behind.

const here = { host: "127.0.0.1", port: 0 };
const anyPort = { epHost: "127.0.0.1", epPort: 0 };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-ends-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

function runningWith(muninn: object, others: object = {}) {
  return runningIn(directory, {
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 1_000, rpMaxAgeHours: 1, rpKeepFilesNum: 5 },
    hasPrometheus: anyPort,
    hasEKG: anyPort,
    hasTimeseries: anyPort,
    resourceFreq: 60_000,
    muninn: {
      health: here,
      ui: here,
      otlp: { ...here, grpcPort: 0 },
      selfTrace: true,
      timeseries: { directory: join(directory, "timeseries") },
      ...muninn,
    },
    ...others,
  });
}

test("a tracer that has stopped leaves no timer behind that repeats", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using started = await runningWith({});
  const peer = new PlainPeer(started.address, { name: "relay" });
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  peer.reply(["a line"]);
  expect(vi.getTimerCount()).toBeGreaterThan(5);
  peer.leave();
  await started.tracer.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("connections leave as many files as log files and all pages may need", async () => {
  await using started = await runningWith({ maxConnections: 1_000_000 });
  const limit = readOpenFilesLimit();
  const { maxOpenFiles } = started.tracer.registry.stats();
  // Prometheus, EKG, timeseries, health, the page, and OTLP in two ways.
  const most = Math.min(1_000_000, connectionsWithin(limit, maxOpenFiles + filesOf(7, limit)));
  const limited = started.lines.filter(({ event }) => event === "connections_limited");
  expect(limited.map(({ maxConnections }) => maxConnections)).toEqual(most < 1_000_000 ? [most] : []);
});

test("health has what is received over OTLP, and addresses that bring too many names", async () => {
  await using started = await runningWith({ selfTrace: false });
  const check = async (wanted: string) => {
    const { checks } = (await started.get("health", "/healthz")) as HealthReport;
    return checks.find(({ name }) => name === wanted);
  };
  expect(await check("otlp-in")).toMatchObject({ state: "ok", reason: "0 resources are sending" });
  expect(await check("new-names")).toMatchObject({ state: "ok" });
  while (started.tracer.sessions.newNames.take("10.0.0.7"));
  await eventually(async () =>
    expect(await check("new-names")).toMatchObject({
      state: "degraded",
      reason: expect.stringContaining("10.0.0.7"),
    }),
  );
});

test("Muninn's own node is one of the configured network, and names this machine", async () => {
  await using started = await runningWith({}, { networkMagic: 42 });
  const peer = new PlainPeer(started.address, { name: "relay", magic: 42 });
  await eventually(async () => {
    const found = await findNodeLogs(join(directory, "logs", "muninn")).catch(() => []);
    const lines: string[] = [];
    for (const file of found.flatMap(({ files }) => files))
      for await (const { bytes, starts, ends } of readLines(file))
        lines.push(...starts.map((start, index) => bytes.toString("utf8", start, ends[index])));
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.parse(lines[0]!)).toMatchObject({ host: hostname().split(".")[0] });
  });
  peer.leave();
});

test("the page lists the files of a root once, however many sections write there, and plots what timeseries have", async () => {
  const section = { logRoot: join(directory, "logs"), logMode: "FileMode" };
  const logging = ["ForMachine", "ForHuman"].map((logFormat) => ({ ...section, logFormat }));
  await using started = await runningWith({ selfTrace: false }, { logging, ekgRequestFreq: 0.02 });
  const peer = new PlainPeer(started.address, { name: "relay" });
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  peer.reply(["a line"]);
  peer.tell(["m"], 7n);
  await eventually(async () => {
    const { points } = (await started.get("ui", "/api/history/relay/m")) as { points: number[][] };
    expect(points.map(([, value]) => value)).toEqual([7]);
  });
  const { logs } = (await started.get("ui", "/api/files")) as { logs: object[] };
  expect(logs).toHaveLength(1);
  peer.leave();
});
