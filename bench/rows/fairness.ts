import { Comparison } from "../harness/comparison.js";
import { type Measurement, measure } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { sum } from "../harness/statistics.js";
import { muninn } from "../harness/tracers.js";

const nodes = 1_000;
/** Two turns of each node, even in a quick run: with only one, the last node has to wait twice as long as the mean. */
const objects = 1_000_000;
const objectBytes = 364;

/** Whether any of many busy nodes must wait longer than the others. */
export const fairness: Row = {
  name: "fairness",
  summary: `${nodes.toLocaleString("en-US")} busy nodes with the same number of objects`,
  async run({ runs }) {
    const tracer = muninn();
    const workload = { nodes, objectBytes };
    const comparison = await Comparison.of(
      [{ name: tracer.name, run: () => measure(tracer, workload, objects) }],
      runs,
    );
    return {
      findings: [
        {
          what: "slowest node ÷ mean",
          value: comparison.spread(slowestByMean, tracer.name),
          target: { atMost: 1.5 },
        },
      ],
      figures: comparison.figures(),
    };
  },
};

function slowestByMean({ nodeSeconds }: Measurement): number {
  return (Math.max(...nodeSeconds) * nodeSeconds.length) / sum(nodeSeconds);
}
