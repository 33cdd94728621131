import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { describe } from "./harness/report.js";
import { isMet, type RowResult } from "./harness/row.js";
import { bareCopy } from "./rows/bare-copy.js";
import { delayedLink } from "./rows/delayed-link.js";
import { fairness } from "./rows/fairness.js";
import { frames } from "./rows/frames.js";
import { nodesGrowth, sectionsGrowth, sizeGrowth } from "./rows/growth.js";
import { journal } from "./rows/journal.js";
import { linkKinds } from "./rows/link-kinds.js";
import { nats } from "./rows/nats.js";
import { againstCardanoTracer, againstHermodTracer, againstRsyslog } from "./rows/other-collectors.js";
import { otlp } from "./rows/otlp.js";
import { programs } from "./rows/programs.js";
import { idleMemory, idleProcessor } from "./rows/rest.js";
import { scraping } from "./rows/scraping.js";
import { startUp } from "./rows/start-up.js";
import { timeseries } from "./rows/timeseries.js";
import { viewer } from "./rows/viewer.js";
import { viewersMemory } from "./rows/viewers-memory.js";

const rows = [
  bareCopy,
  againstRsyslog,
  againstHermodTracer,
  againstCardanoTracer,
  delayedLink,
  linkKinds,
  nodesGrowth,
  sizeGrowth,
  sectionsGrowth,
  fairness,
  nats,
  otlp,
  programs,
  scraping,
  viewer,
  viewersMemory,
  frames,
  startUp,
  idleProcessor,
  idleMemory,
  journal,
  timeseries,
];

const usage = `npm run bench -- [--only NAME]… [--runs N] [--quick]

  --only NAME  one row, may be given several times: ${rows.map(({ name }) => name).join(", ")}
  --runs N     how often each contestant runs, interleaved (default 7)
  --quick      3 runs of a fifth of the work
`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    runs: { type: "string" },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Runs the rows; returns whether every target was met. */
async function main(): Promise<boolean> {
  const settings = { runs: Number(options.runs ?? (options.quick ? 3 : 7)), scale: options.quick ? 0.2 : 1 };
  const results: Record<string, RowResult | { missing: string }> = {};
  for (const row of rows.filter(({ name }) => options.only?.includes(name) ?? true)) {
    const missing = row.missing?.();
    if (missing !== undefined) {
      results[row.name] = { missing };
      console.log(`${row.name}: left out, ${missing}\n`);
      continue;
    }
    const result = await row.run(settings);
    results[row.name] = result;
    console.log(describe(row, result));
  }
  mkdirSync("run", { recursive: true });
  const machine = {
    node: process.version,
    cpus: cpus().map(({ model }) => model),
    arch: arch(),
    kernel: release(),
  };
  writeFileSync("run/bench.json", `${JSON.stringify({ machine, settings, rows: results }, undefined, 2)}\n`);
  return Object.values(results).every((result) => "missing" in result || result.findings.every(isMet));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const unknown = options.only?.find((only) => !rows.some(({ name }) => name === only));
const runs = Number(options.runs ?? 1);
if (options.help) console.log(usage);
else if (unknown !== undefined || !Number.isInteger(runs) || runs < 1) {
  console.error(usage);
  process.exitCode = 2;
} else if (!(await main())) process.exitCode = 1;
