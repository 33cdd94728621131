import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.js";
import { Comparison, type Figure } from "../harness/comparison.js";
import { freePort } from "../harness/free-port.js";
import type { Encoding } from "../harness/logs-request.js";
import {
  cpuPerMillion,
  listening,
  type Measurement,
  makeRunDirectory,
  measure,
  throughput,
} from "../harness/measurement.js";
import { cpuSeconds, peakMemoryKiB } from "../harness/process-usage.js";
import type { Finding, Row } from "../harness/row.js";
import { muninn, socketPath } from "../harness/tracers.js";

const peer = (name: string) => fileURLToPath(new URL(`../peers/${name}.js`, import.meta.url));
const nodes = 10;
/** Enough for compilation not to count: a process that runs for days compiles its code once. */
const objects = { out: 2_000_000, in: 1_000_000 };
const workload = { nodes, objectBytes: 364 };
const compressions = { none: 2, gzip: 3 } as const;

const resources = 4;
const recordsPerRequest = 1_000;
const warmUpRequests = 50;
const pollMs = 10;
const encodings = { protobuf: 3, json: undefined } as const;

/** Traffic to a collector and from exporters; the other ends do as little as possible. */
export const otlp: Row = {
  name: "otlp",
  summary: `${nodes} busy nodes, files and a required collector; ${resources} exporters, ${recordsPerRequest} records a request`,
  async run({ runs, scale }) {
    const filesOnly = muninn({ name: "files only" });
    const out = Object.keys(compressions) as (keyof typeof compressions)[];
    const into = Object.keys(encodings) as Encoding[];
    const comparison = await Comparison.of(
      [
        { name: filesOnly.name, run: () => measure(filesOnly, workload, objects.out * scale) },
        ...out.map((compression) => ({
          name: outName(compression),
          run: () => measureOut(compression, objects.out * scale),
        })),
        ...into.map((encoding) => ({
          name: inName(encoding),
          run: () => measureIn(encoding, objects.in * scale),
        })),
      ],
      runs,
    );
    const finding = (name: string, figure: Figure, unit: string, atMost?: number): Finding => ({
      what: name,
      unit,
      value: comparison.spread(figure, name),
      ...(atMost !== undefined && { target: { atMost } }),
    });
    return {
      findings: [
        ...out.map((one) => finding(outName(one), cpuPerMillion, "CPU s per million", compressions[one])),
        ...into.map((one) => finding(inName(one), cpuPerMillion, "CPU s per million", encodings[one])),
        ...[...out.map(outName), ...into.map(inName)].map((name) => finding(name, throughput, "records/s")),
      ],
      figures: comparison.figures(),
    };
  },
};

const outName = (compression: string) => `files and a collector, compression ${compression}`;
const inName = (encoding: string) => `from exporters, ${encoding}`;

async function measureOut(compression: string, count: number): Promise<Measurement> {
  const port = await freePort();
  await using endpoint = new Child({ command: process.execPath, args: [peer("otlp-endpoint"), `${port}`] });
  await once(endpoint.process.stdout!, "data");
  const url = `http://127.0.0.1:${port}/v1/logs`;
  const sinks = [{ kind: "otlp", url, compression, required: true }];
  // Files may be ahead of the collector by what is in flight: no more than a tenth of all.
  const more = { sinks, maxInFlightBytes: "24MiB" };
  return await measure(muninn({ name: outName(compression), more }), workload, count);
}

async function measureIn(encoding: Encoding, count: number): Promise<Measurement> {
  using directory = makeRunDirectory();
  const port = await freePort();
  const tracer = muninn({ more: { otlp: { host: "127.0.0.1", port } } });
  const logRoots = [join(directory.path, "logs")];
  mkdirSync(logRoots[0]!);
  const plan = { directory: directory.path, logRoots, requestCount: 100, replyBytes: 0 };
  await using child = new Child(tracer.program(plan));
  await listening(child, socketPath(directory.path));
  const url = `http://127.0.0.1:${port}/v1/logs`;
  // It starts to listen a moment later.
  while ((await fetch(url).catch(() => undefined)) === undefined) await pause(pollMs);
  const args = [peer("otlp-exporter"), url, encoding, `${resources}`, `${recordsPerRequest}`];
  await using exporter = new Child({ command: process.execPath, args }, { ipc: true });
  const told = () =>
    Promise.race([
      once(exporter.process, "message"),
      exporter.ended.then(() => Promise.reject(new Error(`the exporter ended: ${exporter.output}`))),
    ]);
  const send = async (requests: number) => {
    exporter.process.send({ requests });
    await told();
  };
  await told();
  await send(warmUpRequests);
  const requests = Math.ceil(count / resources / recordsPerRequest);
  const cpuBefore = cpuSeconds(child.pid);
  const exporterBefore = cpuSeconds(exporter.pid);
  const start = performance.now();
  // What is acknowledged is in the files.
  await send(requests);
  return {
    objects: requests * resources * recordsPerRequest,
    objectBytes: workload.objectBytes,
    seconds: (performance.now() - start) / 1_000,
    cpuSeconds: cpuSeconds(child.pid) - cpuBefore,
    peakMemoryKiB: peakMemoryKiB(child.pid),
    nodeSeconds: [],
    loadCpuSeconds: cpuSeconds(exporter.pid) - exporterBefore,
    requestsWaiting: 0,
  };
}
