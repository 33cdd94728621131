import { Comparison, type Figure } from "../harness/comparison.js";
import { cpuPerMillion, measure, type Workload } from "../harness/measurement.js";
import type { Finding, Row, Target } from "../harness/row.js";
import { type MuninnSettings, muninn } from "../harness/tracers.js";

const objects = 600_000;
const objectBytes = 364;
const flat = { atLeast: 0.85, atMost: 1.15 };
/** What each object costs however small it is makes bytes cheaper as objects grow. */
const notRising = { atMost: 1.15 };

/** One step of growth: a workload, and by what its cost is divided. */
interface Step {
  readonly name: string;
  readonly workload: Workload;
  readonly settings?: MuninnSettings;
}

/** A row that says how `cost` changes from the first step to each of the others. */
function growth(
  name: string,
  summary: string,
  makeSteps: (scale: number) => readonly Step[],
  { what, cost, target }: { what: string; cost: (step: Step) => Figure; target: Target },
): Row {
  return {
    name,
    summary,
    async run({ runs, scale }) {
      const steps = makeSteps(scale);
      const comparison = await Comparison.of(
        steps.map((step) => ({ name: step.name, run: () => measure(muninn(step.settings), step.workload) })),
        runs,
      );
      const [first, ...others] = steps as [Step, ...Step[]];
      const findings = others.map(
        (step): Finding => ({
          what: `${what}: ${step.name} ÷ ${first.name}`,
          value: comparison.ratioOf([cost(step), step.name], [cost(first), first.name]),
          target,
        }),
      );
      return { findings, figures: comparison.figures() };
    },
  };
}

export const nodesGrowth = growth(
  "nodes",
  "the same objects from more and more nodes",
  (scale) =>
    [1, 10, 100, 1_000].map((nodes) => ({
      name: `${nodes} nodes`,
      workload: { nodes, objectsPerNode: (objects * scale) / nodes, objectBytes },
    })),
  { what: "CPU per object", cost: () => cpuPerMillion, target: flat },
);

export const sizeGrowth = growth(
  "size",
  "one node, objects of 100 bytes to 10 kB",
  (scale) =>
    [100, 364, 1_000, 10_000].map((bytes) => ({
      name: `${bytes} B`,
      workload: { nodes: 1, objectsPerNode: (objects * scale * objectBytes) / bytes, objectBytes: bytes },
    })),
  {
    what: "CPU per byte",
    cost: (step) => (measurement) => cpuPerMillion(measurement) / step.workload.objectBytes,
    target: notRising,
  },
);

/** Each section writes everything once more; what it adds should be the same each time. */
export const sectionsGrowth = growth(
  "sections",
  "one node, 1 to 4 logging sections",
  (scale) =>
    [1, 2, 3, 4].map((sections) => ({
      name: sections === 1 ? "1 section" : `${sections} sections`,
      workload: { nodes: 1, objectsPerNode: objects * scale, objectBytes },
      settings: { sections },
    })),
  {
    what: "CPU per object and section",
    cost: (step) => (measurement) => cpuPerMillion(measurement) / (step.settings?.sections ?? 1),
    target: notRising,
  },
);
