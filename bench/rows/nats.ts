import { newServer, startCluster, withManager } from "../../test/sinks/nats/nats-server.js";
import { Comparison } from "../harness/comparison.js";
import { cpuPerMillion, type Measurement, measure, throughput } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { muninn } from "../harness/tracers.js";

const nodes = 10;
const objects = 1_500_000;
const objectBytes = 364;
const workload = { nodes, objectBytes };
const stream = "TRACES";

/** Files and a stream that three servers keep: what the way past one machine costs. All four share this machine's cores. */
export const nats: Row = {
  name: "nats",
  summary: `${nodes} busy nodes, files and a NATS stream on three servers (R3)`,
  missing: () => (newServer === undefined ? "there is no nats-server 2.10 or later" : undefined),
  async run({ runs, scale }) {
    const filesOnly = muninn();
    const comparison = await Comparison.of(
      [
        { name: filesOnly.name, run: () => measure(filesOnly, workload, objects * scale) },
        { name: withStream, run: () => measureWithStream(objects * scale) },
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
      ],
      figures: comparison.figures(),
    };
  },
};

const withStream = "muninn with R3";

async function measureWithStream(count: number): Promise<Measurement> {
  const servers = await startCluster(newServer!);
  try {
    const urls = servers.map(({ url }) => url);
    const sinks = [{ kind: "nats", servers: urls, stream, create: { replicas: 3 } }];
    // Files may be ahead of the stream by what is in flight: no more than a twentieth of all.
    const more = { sinks, maxInFlightBytes: "24MiB" };
    const measurement = await measure(muninn({ name: withStream, more }), workload, count);
    const { messages } = await withManager(
      servers[0]!,
      async (manager) => (await manager.streams.info(stream)).state,
    );
    if (messages === 0) throw new Error("nothing went into the stream");
    return measurement;
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}
