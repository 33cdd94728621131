import { setTimeout as pause } from "node:timers/promises";
import { arrange, makeRunDirectory, type Workload } from "../harness/measurement.js";
import { busySeconds, memoryKiB } from "../harness/process-usage.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import { muninn } from "../harness/tracers.js";

const tracer = muninn();
/** For connections to settle, before the measurement. */
const settleMs = 3_000;
/** For the polling code to be compiled, which is most of the work in the first minute. */
const warmUpMs = 90_000;
const idleNodes = 50;
/** What the simulated nodes have, and what a busy node has. */
const metricsOfNodes = [20, 300];
const watchedSeconds = 30;
const manyNodes = 1_000;
/** Enough that one node more or less does not matter. */
const fewNodes = 10;

const silent = { objectBytes: 364 };

/** The cost of connected nodes with nothing to trace. */
export const idleProcessor: Row = {
  name: "idle-cpu",
  summary: `${idleNodes} nodes without trace objects, asked every second for the metrics that changed, one in ten`,
  async run({ runs, scale }) {
    const findings = [];
    for (const metrics of metricsOfNodes) {
      const shares = await repeat(runs, () => measureIdleShare(metrics, watchedSeconds * scale));
      const what = `share of one core, ${metrics} metrics each`;
      findings.push({ what, unit: "%", value: spreadOf(shares), target: { atMost: 0.5 } });
    }
    return { findings, figures: [] };
  },
};

/** The cost of each connected node with nothing to trace. */
export const idleMemory: Row = {
  name: "idle-memory",
  summary: `${manyNodes.toLocaleString("en-US")} nodes without metrics or trace objects`,
  async run({ runs }) {
    const sizes = await repeat(runs, async () => {
      const few = await measureMemoryKiB({ ...silent, nodes: fewNodes });
      const many = await measureMemoryKiB({ ...silent, nodes: manyNodes });
      return (many - few) / (manyNodes - fewNodes);
    });
    return {
      findings: [{ what: "memory of a node", unit: "KiB", value: spreadOf(sizes), target: { atMost: 30 } }],
      figures: [],
    };
  },
};

async function measureIdleShare(metrics: number, seconds: number): Promise<number> {
  using directory = makeRunDirectory();
  const workload = { ...silent, nodes: idleNodes, metrics };
  await using arrangement = await arrange(tracer, workload, directory.path);
  await pause(warmUpMs);
  const before = busySeconds(arrangement.child.pid);
  await pause(seconds * 1_000);
  return (100 * (busySeconds(arrangement.child.pid) - before)) / seconds;
}

async function measureMemoryKiB(workload: Workload): Promise<number> {
  using directory = makeRunDirectory();
  await using arrangement = await arrange(tracer, workload, directory.path);
  await pause(settleMs);
  return memoryKiB(arrangement.child.pid);
}

async function repeat(runs: number, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let run = 0; run < runs; run += 1) values.push(await measure());
  return values;
}
