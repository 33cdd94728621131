import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Config } from "../../src/config/config.js";
import { parseConfig } from "../../src/config/load.js";
import { openLog } from "../../src/daemon/log/log.js";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer, type Tracer } from "../../src/tracer.js";

// What a reload changes of a running tracer, in this process.

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-reload-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

async function configOf(fields: object): Promise<Config> {
  const text = JSON.stringify({
    networkMagic: 764_824_073,
    network: { tag: "AcceptAt", contents: join(directory, "tracer.sock") },
    logging: [{ logRoot: join(directory, "logs"), logMode: "FileMode", logFormat: "ForMachine" }],
    ...fields,
  });
  return (await parseConfig(text, join(directory, "config.json"))).config;
}

interface Running extends AsyncDisposable {
  readonly tracer: Tracer;
  /** The events of its log so far. */
  readonly events: string[];
}

async function running(fields: object): Promise<Running> {
  const config = await configOf(fields);
  const sink = await open(join(directory, "log"), "w");
  const log = await openLog({ verbosity: "Maximum", fd: sink.fd });
  const events: string[] = [];
  log.tap((line) => events.push((JSON.parse(line) as { event: string }).event));
  const tracer = await startTracer(config, { log, version: "1" });
  return {
    tracer,
    events,
    [Symbol.asyncDispose]: async () => {
      await tracer.stop();
      await log.stop({ deadlineMs: 1_000 });
      await sink.close();
    },
  };
}

test("resourceFreq applies from a reload on, in place of the one before", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using started = await running({ resourceFreq: 1_000 });
  const { tracer, events } = started;
  const loggedWithin = (milliseconds: number) => {
    const before = events.length;
    vi.advanceTimersByTime(milliseconds);
    return events.slice(before).filter((event) => event === "resources").length;
  };
  expect(loggedWithin(10_000)).toBe(10);
  await tracer.reload(await configOf({ resourceFreq: 5_000 }));
  expect(loggedWithin(10_000)).toBe(2);
  await tracer.reload(await configOf({}));
  expect(loggedWithin(10_000)).toBe(0);
});

test("rotation applies to files that are written already, and the page shows the one that applies", async () => {
  const rotation = (rpLogLimitBytes: number) => ({
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes, rpMaxAgeHours: 1, rpKeepFilesNum: 5 },
  });
  const pages = { muninn: { ui: { host: "127.0.0.1", port: 0 } } };
  await using started = await running({ ...rotation(1_000_000), ...pages });
  const { tracer } = started;
  const shown = async () => {
    const files = await (await fetch(`http://${tracer.served.get("ui")}/api/files`)).json();
    return (files as { rotation: { limitBytes: number } }).rotation.limitBytes;
  };
  expect(await shown()).toBe(1_000_000);
  await tracer.reload(await configOf({ ...rotation(300), ...pages }));
  // The page remembers for a moment what it has listed.
  await eventually(async () => expect(await shown()).toBe(300));
  const node = await simulatedNode({
    source: new NumberedSource({ name: "relay", count: 20 }),
    network: { mode: "connect", address: { kind: "unix", path: join(directory, "tracer.sock") } },
  });
  await eventually(async () => {
    const files = (await readdir(join(directory, "logs", "relay"))).filter((name) =>
      name.startsWith("node-"),
    );
    expect(files.length).toBeGreaterThan(1);
  });
  await node.stop();
});
