import { Comparison, type Figure } from "../harness/comparison.js";
import { cpuPerMillion, measure, type Workload } from "../harness/measurement.js";
import type { Finding, Row } from "../harness/row.js";
import { copy, type MuninnSettings, muninn, usualAhead } from "../harness/tracers.js";

const objectBytes = 364;
const bytesInAll = 600_000 * objectBytes;
/** Enough for each of a thousand nodes to fill a few dozen replies. */
const bytesOfManyNodes = 5 * bytesInAll;
const numbersOfNodes = [1, 10, 100, 1_000];
const flat = { atLeast: 0.85, atMost: 1.15 };
/** The fixed cost of each object makes bytes cheaper as objects grow. */
const notRising = { atMost: 1.15 };

/** One step of growth: a workload, and what its cost is divided by. */
interface Step {
  readonly name: string;
  readonly workload: Workload;
  readonly settings?: MuninnSettings;
}

interface GrowthOptions {
  readonly what: string;
  readonly cost: (step: Step) => Figure;
}

/** A row that says how `cost` changes from the first step to each of the others. */
function growth(
  name: string,
  summary: string,
  steps: readonly [Step, ...Step[]],
  { what, cost }: GrowthOptions,
): Row {
  return {
    name,
    summary,
    async run({ runs, scale }) {
      const comparison = await Comparison.of(
        steps.map((step) => ({
          name: step.name,
          run: () =>
            measure(muninn(step.settings), step.workload, (bytesInAll * scale) / step.workload.objectBytes),
        })),
        runs,
      );
      const [first, ...others] = steps;
      const findings = others.map(
        (step): Finding => ({
          what: `${what}: ${step.name} ÷ ${first.name}`,
          value: comparison.ratioOf([cost(step), step.name], [cost(first), first.name]),
          target: notRising,
        }),
      );
      return { findings, figures: comparison.figures() };
    },
  };
}

/**
 * A cost is flat if it stays within its bounds around the mean of all. In addition the row shows the growth from one node up, and
 * that of a bare copy: sockets, files and caches are the same for it, so its extra cost is due to the machine.
 */
export const nodesGrowth: Row = {
  name: "nodes",
  summary:
    "the same objects from more and more nodes, next to a bare copy that requests ahead as Muninn does",
  async run({ runs, scale }) {
    const muninnOf = (nodes: number) => `muninn, nodes: ${nodes}`;
    const copyOf = (nodes: number) => `bare copy, nodes: ${nodes}`;
    const objects = (bytesOfManyNodes * scale) / objectBytes;
    const comparison = await Comparison.of(
      numbersOfNodes.flatMap((nodes) => [
        { name: muninnOf(nodes), run: () => measure(muninn(), { nodes, objectBytes }, objects) },
        { name: copyOf(nodes), run: () => measure(copy(usualAhead), { nodes, objectBytes }, objects) },
      ]),
      runs,
    );
    const all = numbersOfNodes.map(muninnOf);
    const toMean = numbersOfNodes.map(
      (nodes): Finding => ({
        what: `CPU per object: nodes: ${nodes} ÷ mean of all`,
        value: comparison.ratioToMean(cpuPerMillion, muninnOf(nodes), all),
        target: flat,
      }),
    );
    const toOne = numbersOfNodes.slice(1).flatMap((nodes): Finding[] => [
      {
        what: `CPU per object: nodes: ${nodes} ÷ nodes: 1`,
        value: comparison.ratio(cpuPerMillion, muninnOf(nodes), muninnOf(1)),
      },
      {
        what: "  the same for the bare copy",
        value: comparison.ratio(cpuPerMillion, copyOf(nodes), copyOf(1)),
      },
    ]);
    return { findings: [...toMean, ...toOne], figures: comparison.figures() };
  },
};

export const sizeGrowth = growth(
  "size",
  "one node, objects of 100 bytes to 10 kB",
  [stepToSize(100), stepToSize(364), stepToSize(1_000), stepToSize(10_000)],
  {
    what: "CPU per byte",
    cost: (step) => (measurement) => cpuPerMillion(measurement) / step.workload.objectBytes,
  },
);

/** Each section writes everything once more; it should add the same each time. */
export const sectionsGrowth = growth(
  "sections",
  "one node, 1 to 4 logging sections",
  [stepToSections(1), stepToSections(2), stepToSections(3), stepToSections(4)],
  {
    what: "CPU per object and section",
    cost: (step) => (measurement) => cpuPerMillion(measurement) / (step.settings?.sections ?? 1),
  },
);

function stepToSize(bytes: number): Step {
  return { name: `${bytes} B`, workload: { nodes: 1, objectBytes: bytes } };
}

function stepToSections(sections: number): Step {
  return { name: `sections: ${sections}`, workload: { nodes: 1, objectBytes }, settings: { sections } };
}
