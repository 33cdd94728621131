import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Config } from "../../src/config/config.js";
import { parseConfig } from "../../src/config/load.js";
import { type Log, openLog } from "../../src/daemon/log/log.js";
import { filesOf } from "../../src/http/places.js";
import { connectionsWithin, readOpenFilesLimit } from "../../src/registry/process-limit.js";
import { eventually } from "../../src/testing/eventually.js";
import { startTracer } from "../../src/tracer.js";
import { PlainPeer } from "./plain-peer.js";

// A tracer that has everything: what it leaves behind when it has stopped, and how many files it may open.

const here = { host: "127.0.0.1", port: 0 };
const anyPort = { epHost: "127.0.0.1", epPort: 0 };

let directory: string;
let log: Log;
let lines: { readonly event: string; readonly [fact: string]: unknown }[];
let end: () => Promise<void>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-ends-"));
  const file = await open(join(directory, "log"), "w");
  log = await openLog({ verbosity: "Maximum", fd: file.fd });
  lines = [];
  log.tap((line) => lines.push(JSON.parse(line)));
  end = async () => {
    await log.stop({ deadlineMs: 1_000 });
    await file.close();
  };
});
afterEach(async () => {
  vi.useRealTimers();
  await end();
  await rm(directory, { recursive: true, force: true });
});

async function configWith(muninn: object): Promise<Config> {
  const text = JSON.stringify({
    networkMagic: 764_824_073,
    network: { tag: "AcceptAt", contents: join(directory, "tracer.sock") },
    logging: [{ logRoot: join(directory, "logs"), logMode: "FileMode", logFormat: "ForMachine" }],
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
  });
  return (await parseConfig(text, join(directory, "config.json"))).config;
}

test("a tracer that has stopped leaves no timer behind that repeats", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const tracer = await startTracer(await configWith({}), { log, version: "1" });
  const peer = new PlainPeer({ kind: "unix", path: join(directory, "tracer.sock") }, { name: "relay" });
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  peer.reply(["a line"]);
  expect(vi.getTimerCount()).toBeGreaterThan(5);
  peer.leave();
  await tracer.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("connections leave as many files as log files and all pages may need", async () => {
  const limit = readOpenFilesLimit();
  const tracer = await startTracer(await configWith({ maxConnections: 1_000_000 }), { log, version: "1" });
  const { maxOpenFiles } = tracer.registry.stats();
  // Prometheus, EKG, timeseries, health, the page, and OTLP in two ways.
  const most = Math.min(1_000_000, connectionsWithin(limit, maxOpenFiles + filesOf(7, limit)));
  const limited = lines.filter(({ event }) => event === "connections_limited");
  expect(limited.map(({ maxConnections }) => maxConnections)).toEqual(most < 1_000_000 ? [most] : []);
  await tracer.stop();
});
