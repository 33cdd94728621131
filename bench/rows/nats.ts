import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { newServer, startCluster, withManager } from "../../test/sinks/nats/nats-server.js";
import { Child } from "../harness/child.js";
import { Comparison } from "../harness/comparison.js";
import {
  arrange,
  bytesBelow,
  cpuPerMillion,
  type Measurement,
  makeRunDirectory,
  measure,
  measureArranged,
  throughput,
} from "../harness/measurement.js";
import { sampleObject } from "../harness/objects.js";
import { cpuSeconds } from "../harness/process-usage.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import { muninn, nodeEnvironment } from "../harness/tracers.js";

const nodes = 10;
const objects = 1_500_000;
const objectBytes = 364;
const workload = { nodes, objectBytes };
const stream = "TRACES";

/** Files and a stream that three servers keep: the cost of a second machine. All four share this machine's cores. */
export const nats: Row = {
  name: "nats",
  summary: `${nodes} busy nodes, files and a NATS stream on three servers (R3)`,
  missing: () => (newServer === undefined ? "there is no nats-server 2.10 or later" : undefined),
  async run({ runs, scale }) {
    const filesOnly = muninn();
    const collected: Collected[] = [];
    const comparison = await Comparison.of(
      [
        { name: filesOnly.name, run: () => measure(filesOnly, workload, objects * scale) },
        { name: withStream, run: () => measureWithStream(objects * scale, collected) },
      ],
      runs,
    );
    return {
      findings: [
        {
          what: "objects through R3",
          unit: "objects/s",
          value: comparison.spread(throughput, withStream),
          target: { atLeast: 100_000 },
        },
        {
          what: "Muninn's processor time, files and stream",
          unit: "s per million",
          value: comparison.spread(cpuPerMillion, withStream),
          target: { atMost: 3 },
        },
        {
          what: "muninn collect, from a full stream",
          unit: "objects/s",
          value: spreadOf(collected.map(({ seconds, objects }) => objects / seconds)),
        },
        {
          what: "its processor time",
          unit: "s per million",
          value: spreadOf(collected.map(({ cpuSeconds: used, objects }) => (1e6 * used) / objects)),
        },
      ],
      figures: comparison.figures(),
    };
  },
};

const withStream = "muninn with R3";

/** What a collector used, its start included. */
interface Collected {
  readonly objects: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measureWithStream(count: number, collected: Collected[]): Promise<Measurement> {
  const servers = await startCluster(newServer!);
  try {
    const urls = servers.map(({ url }) => url);
    const sinks = [{ kind: "nats", servers: urls, stream, create: { replicas: 3 } }];
    // Files may be ahead of the stream by what is in flight: no more than a twentieth of all.
    const more = { sinks, maxInFlightBytes: "24MiB" };
    using directory = makeRunDirectory();
    const tracer = muninn({ name: withStream, more });
    await using arrangement = await arrange(tracer, workload, directory.path);
    const measurement = await measureArranged(arrangement, count);
    const { messages } = await withManager(
      servers[0]!,
      async (manager) => (await manager.streams.info(stream)).state,
    );
    if (messages === 0) throw new Error("no message reached the stream");
    collected.push(await collect(urls, arrangement.logRoots));
    return measurement;
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

/** Collects everything in the stream, until the files are as large as those of the tracer that filled it. */
async function collect(urls: readonly string[], logRoots: readonly string[]): Promise<Collected> {
  using directory = makeRunDirectory();
  const logRoot = join(directory.path, "logs");
  const file = join(directory.path, "collect.json");
  const configuration = {
    networkMagic: 42,
    network: { tag: "AcceptAt", contents: join(directory.path, "none.sock") },
    logging: [{ logRoot, logMode: "FileMode", logFormat: "ForMachine" }],
    rotation: { rpLogLimitBytes: 1_000_000_000_000, rpKeepFilesNum: 10 },
    verbosity: "ErrorsOnly",
  };
  writeFileSync(file, JSON.stringify(configuration));
  const bytes = bytesBelow(logRoots);
  const start = performance.now();
  await using child = new Child({
    command: process.execPath,
    env: nodeEnvironment,
    args: [
      resolve("dist/bin.cjs"),
      "collect",
      ...["-c", file, "--stream", stream],
      ...urls.flatMap((url) => ["--from", url]),
    ],
  });
  while (!existsSync(logRoot) || bytesBelow([logRoot]) < bytes) {
    if (child.process.exitCode !== null) throw new Error(`muninn collect ended: ${child.output}`);
    await pause(50);
  }
  return {
    objects: bytes / sampleObject(objectBytes).line.length,
    seconds: (performance.now() - start) / 1_000,
    cpuSeconds: cpuSeconds(child.pid),
  };
}
