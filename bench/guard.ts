import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type Spread, spreadOf } from "./harness/statistics.js";

// Fails if a figure has become a quarter worse than the committed baseline. Figures are processor time in
// yardsticks, so they mean nearly the same on any machine, however busy.

/** Programs in `bench/guard/`, each of which prints a spread as JSON, with their arguments. */
const figures = {
  "decode-path": ["decode-path"],
  pipeline: ["pipeline", "100", "16", "1500"],
  "small-batches": ["pipeline", "4", "1", "5000"],
} as const;
type Figure = keyof typeof figures;
const names = Object.keys(figures) as Figure[];

/** A process may be lucky or unlucky with the compiler, so several run in turn. */
const processes = 5;
const tolerated = 1.25;
/** A busy machine may be the cause: only a figure that is worse every time counts. */
const attempts = 3;
const baselinePath = "bench/baseline.json";

/** Yardsticks by figure: the most that one process needed, because machines and days differ. */
type Baseline = Record<Figure, number>;

const usage = `npm run bench:guard [-- --update]

  --update  writes what was measured to ${baselinePath}
`;

const { values: options } = parseArgs({
  options: { update: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
});

async function measure(): Promise<Record<Figure, Spread>> {
  const medians = names.map((): number[] => []);
  for (let turn = 0; turn < processes; turn += 1) {
    for (const [index, name] of names.entries()) medians[index]!.push(await measureOnce(name));
  }
  return Object.fromEntries(names.map((name, index) => [name, spreadOf(medians[index]!)])) as Record<
    Figure,
    Spread
  >;
}

async function measureOnce(name: Figure): Promise<number> {
  const [program, ...args] = figures[name];
  const path = fileURLToPath(new URL(`./guard/${program}.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args]);
  return (JSON.parse(stdout) as Spread).median;
}

/** Prints how the figures compare, and returns whether all are within bounds. */
function compare(measured: Record<Figure, Spread>, baseline: Baseline): boolean {
  for (const name of names) {
    const { median, least, most } = measured[name];
    const change = median / baseline[name];
    const verdict = change > tolerated ? "WORSE" : "within bounds";
    console.log(
      `${name}: ${rounded(median)} yardsticks (${rounded(least)} … ${rounded(most)}), ` +
        `${rounded(change)} times the baseline of ${baseline[name]}: ${verdict}`,
    );
  }
  return names.every((name) => measured[name].median <= tolerated * baseline[name]);
}

async function main(): Promise<void> {
  if (options.update) {
    const measured = await measure();
    const mosts = names.map((name) => [name, rounded(measured[name].most)]);
    writeFileSync(baselinePath, `${JSON.stringify(Object.fromEntries(mosts), undefined, 2)}\n`);
  }
  const baseline = JSON.parse(readFileSync(baselinePath, "utf8")) as Baseline;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1) console.log("measured again, because a busy machine may be the cause:");
    if (compare(await measure(), baseline)) return;
  }
  process.exitCode = 1;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

if (options.help) console.log(usage);
else await main();
