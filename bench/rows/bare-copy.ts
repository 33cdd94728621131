import { Comparison } from "../harness/comparison.js";
import { cpuPerMillion, measure, throughput } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { usualAhead as ahead, copy, muninn, reopening, type Tracer } from "../harness/tracers.js";

const objects = 3_000_000;
/**
 * As much again comes before: in the first seconds under load V8 compiles Muninn's code, of which the copy has little, and
 * which does not matter over a year.
 */
const warmUpShare = 1;
const objectBytes = 364;

/** Against the limit, and against a program without the registry. */
export const bareCopy: Row = {
  name: "copy",
  summary: "one node, 364-byte objects, 100 a request, against a bare copy of the same bytes",
  async run({ runs, scale }) {
    const workload = { nodes: 1, objectBytes };
    const run = (tracer: Tracer) => measure(tracer, workload, objects * scale, warmUpShare);
    // The copy waits for as much as Muninn does: more replies at once are cheaper for both.
    const depth = (await run(muninn())).requestsWaiting;
    const tracers = [
      muninn(),
      copy(depth),
      muninn({ name: `muninn, ${ahead} ahead`, requestsAhead: ahead }),
      muninn({ name: "muninn, 1 ahead", requestsAhead: 1 }),
      copy(1),
      copy(ahead),
      reopening(1),
    ];
    const comparison = await Comparison.of(
      tracers.map((tracer) => ({ name: tracer.name, run: () => run(tracer) })),
      runs,
    );
    return {
      findings: [
        {
          what: `CPU per object ÷ copy's, both asking as Muninn does by itself, ${depth} ahead`,
          value: comparison.ratio(cpuPerMillion, "muninn", copy(depth).name),
          target: { atMost: 1.15 },
        },
        {
          what: "throughput ÷ copy's, each one request at a time",
          value: comparison.ratio(throughput, "muninn, 1 ahead", "copy"),
          target: { atLeast: 0.6 },
        },
        {
          what: "throughput ÷ copy's, each asking ahead",
          value: comparison.ratio(throughput, `muninn, ${ahead} ahead`, `copy, ${ahead} ahead`),
          target: { atLeast: 0.6 },
        },
        {
          what: "throughput ÷ open-append-close's",
          value: comparison.ratio(throughput, "muninn, 1 ahead", "open-append-close"),
        },
        {
          what: "CPU per object ÷ open-append-close's",
          value: comparison.ratio(cpuPerMillion, "muninn, 1 ahead", "open-append-close"),
        },
      ],
      figures: comparison.figures(),
    };
  },
};
