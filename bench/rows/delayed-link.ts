import { join } from "node:path";
import { faultyLink } from "../../src/testing/faulty-link.js";
import { Comparison } from "../harness/comparison.js";
import {
  arrange,
  type Measurement,
  makeRunDirectory,
  measure,
  measureArranged,
  throughput,
} from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { muninn, socketPath } from "../harness/tracers.js";

const tracer = muninn();
/** The most that a real forwarder sends; the effect of the link should not show. */
const objectsPerSecond = 65_000;
const objectBytes = 364;
const workload = { nodes: 1, objectsPerSecond, objectBytes };
const seconds = 10;
const roundTripsMs = [1, 50, 200];
const target = { atLeast: 0.9 };

const undelayed = "no delay";

/** Muninn over links of some length against itself without them. */
export const delayedLink: Row = {
  name: "link",
  summary: `one node that sends at most ${objectsPerSecond.toLocaleString("en-US")} objects/s, over a delayed link`,
  async run({ runs, scale }) {
    const objects = objectsPerSecond * seconds * scale;
    const links = roundTripsMs.map((roundTripMs) => ({
      name: `${roundTripMs} ms`,
      run: () => measureThroughLink(objects, roundTripMs),
    }));
    const direct = { name: undelayed, run: () => measure(tracer, workload, objects) };
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

async function measureThroughLink(objects: number, roundTripMs: number): Promise<Measurement> {
  using directory = makeRunDirectory();
  const path = join(directory.path, "link.sock");
  await using _link = await faultyLink({
    to: { kind: "unix", path: socketPath(directory.path) },
    at: { kind: "unix", path },
    latencyMs: roundTripMs / 2,
  });
  await using arrangement = await arrange(tracer, workload, directory.path, path);
  return await measureArranged(arrangement, objects);
}
