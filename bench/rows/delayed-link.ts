import { join } from "node:path";
import { Comparison } from "../harness/comparison.js";
import { DelayedLink } from "../harness/delayed-link.js";
import {
  arrange,
  type Measurement,
  makeRunDirectory,
  measureArranged,
  throughput,
  type Workload,
} from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { muninn, socketPath } from "../harness/tracers.js";

const tracer = muninn();
/** What a real forwarder gives at most; it is the link that should not be seen. */
const objectsPerSecond = 65_000;
const objectBytes = 364;
const seconds = 10;
const roundTripsMs = [1, 50, 200];
const target = { atLeast: 0.9 };

const undelayed = "no delay";

/** Muninn through links of some length against itself without. */
export const delayedLink: Row = {
  name: "link",
  summary: `one node that gives ${objectsPerSecond.toLocaleString("en-US")} objects/s at most, through a delayed link`,
  async run({ runs, scale }) {
    const workload = {
      nodes: 1,
      objectsPerNode: objectsPerSecond * seconds * scale,
      objectsPerSecond,
      objectBytes,
    };
    const links = roundTripsMs.map((roundTripMs) => ({
      name: `${roundTripMs} ms`,
      run: () => measureThroughLink(workload, roundTripMs),
    }));
    const direct = { name: undelayed, run: () => measureThroughLink(workload, 0) };
    const comparison = await Comparison.of([direct, ...links], runs);
    return {
      findings: links.map(({ name }) => ({
        what: `throughput over ${name} ÷ undelayed`,
        value: comparison.ratio(throughput, name, undelayed),
        ...(name === "50 ms" ? { target } : {}),
      })),
      figures: comparison.figures(),
    };
  },
};

async function measureThroughLink(workload: Workload, roundTripMs: number): Promise<Measurement> {
  using directory = makeRunDirectory();
  if (roundTripMs === 0) {
    await using direct = await arrange(tracer, workload, directory.path);
    return await measureArranged(direct);
  }
  const entrance = join(directory.path, "link.sock");
  await using link = await DelayedLink.open(entrance, socketPath(directory.path), roundTripMs);
  await using distant = await arrange(tracer, workload, directory.path, link.entrance);
  return await measureArranged(distant);
}
