import { Comparison, type Figure } from "../harness/comparison.js";
import { cpuPerMillion, measure, type Workload } from "../harness/measurement.js";
import type { Finding, Row, Target } from "../harness/row.js";
import { copy, type MuninnSettings, muninn, type Tracer, usualAhead } from "../harness/tracers.js";

const objectBytes = 364;
const bytesInAll = 600_000 * objectBytes;
/** Enough for each of a thousand nodes to fill some dozen replies. */
const bytesOfManyNodes = 5 * bytesInAll;
const flat = { atLeast: 0.85, atMost: 1.15 };
/** What each object costs however small it is makes bytes cheaper as objects grow. */
const notRising = { atMost: 1.15 };

/** One step of growth: a workload, and by what its cost is divided. */
interface Step {
  readonly name: string;
  readonly workload: Workload;
  readonly settings?: MuninnSettings;
}

interface GrowthOptions {
  readonly what: string;
  readonly cost: (step: Step) => Figure;
  readonly target?: Target;
  /** @default Muninn, with the settings of the step */
  readonly tracer?: (step: Step) => Tracer;
  /** Of all objects of one run. */
  readonly bytes?: number;
}

/** A row that says how `cost` changes from the first step to each of the others. */
function growth(
  name: string,
  summary: string,
  steps: readonly [Step, ...Step[]],
  { what, cost, target, tracer = ({ settings }) => muninn(settings), bytes = bytesInAll }: GrowthOptions,
): Row {
  return {
    name,
    summary,
    async run({ runs, scale }) {
      const comparison = await Comparison.of(
        steps.map((step) => ({
          name: step.name,
          run: () => measure(tracer(step), step.workload, (bytes * scale) / step.workload.objectBytes),
        })),
        runs,
      );
      const [first, ...others] = steps;
      const findings = others.map(
        (step): Finding => ({
          what: `${what}: ${step.name} ÷ ${first.name}`,
          value: comparison.ratioOf([cost(step), step.name], [cost(first), first.name]),
          ...(target === undefined ? {} : { target }),
        }),
      );
      return { findings, figures: comparison.figures() };
    },
  };
}

export const nodesGrowth = growth(
  "nodes",
  "the same objects from more and more nodes",
  [stepToNodes(1), stepToNodes(10), stepToNodes(100), stepToNodes(1_000)],
  { what: "CPU per object", cost: () => cpuPerMillion, target: flat, bytes: bytesOfManyNodes },
);

/** What the machine itself takes more: sockets, files and caches are the same, and nothing looks at the bytes. */
export const nodesGrowthOfCopy = growth(
  "nodes-copy",
  "the same of a bare copy, which asks ahead as Muninn does",
  [stepToNodes(1), stepToNodes(10), stepToNodes(100), stepToNodes(1_000)],
  {
    what: "CPU per object",
    cost: () => cpuPerMillion,
    tracer: () => copy(usualAhead),
    bytes: bytesOfManyNodes,
  },
);

export const sizeGrowth = growth(
  "size",
  "one node, objects of 100 bytes to 10 kB",
  [stepToSize(100), stepToSize(364), stepToSize(1_000), stepToSize(10_000)],
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
  [stepToSections(1), stepToSections(2), stepToSections(3), stepToSections(4)],
  {
    what: "CPU per object and section",
    cost: (step) => (measurement) => cpuPerMillion(measurement) / (step.settings?.sections ?? 1),
    target: notRising,
  },
);

function stepToNodes(nodes: number): Step {
  return { name: `nodes: ${nodes}`, workload: { nodes, objectBytes } };
}

function stepToSize(bytes: number): Step {
  return { name: `${bytes} B`, workload: { nodes: 1, objectBytes: bytes } };
}

function stepToSections(sections: number): Step {
  return { name: `sections: ${sections}`, workload: { nodes: 1, objectBytes }, settings: { sections } };
}
