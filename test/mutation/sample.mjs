/**
 * A random sample of the mutants of `src/`, tried within a time limit:
 *
 *     npm run mutation:sample -- [--count 100] [--seed N] [--minutes 6] [--floor PERCENT] [--only src/FOLDER|'src/GLOB.ts']
 *
 * Fails if the share of tried mutants that are noticed is below the floor. docs/mutation.md explains how it works.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { drawn } from "./draw.mjs";
import { testsOf } from "./tests-of.mjs";

/** Percent of the tried mutants; docs/mutation.md has the samples that it is based on. */
const usualFloor = 60;
/** With fewer mutants the share means little, and no floor applies. */
const fewestJudged = 20;
const work = "run/mutation-sample";
const program = "node_modules/@stryker-mutator/core/bin/stryker.js";
/** The words for a mutant's result, by Stryker's status. */
const unnoticed = { Survived: "survived", NoCoverage: "no test of this kind runs it" };

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    minutes: { type: "string", default: "6" },
    floor: { type: "string", default: String(usualFloor) },
    only: { type: "string", default: "src" },
  },
});
const [count, seed, minutes, floor] = ["count", "seed", "minutes", "floor"].map((name) =>
  Number(values[name]),
);
if (!(count > 0 && Number.isInteger(seed) && minutes > 0 && floor >= 0)) {
  console.error(
    "usage: mutation:sample [--count N] [--seed INTEGER] [--minutes N] [--floor PERCENT] [--only src/FOLDER|GLOB.ts]",
  );
  process.exit(2);
}

/** Runs Stryker for one folder's mutants, and ends it when the time is over. */
function tried({ folder, mutants }, deadline) {
  const directory = `${work}/${folder.replaceAll("/", "-")}`;
  mkdirSync(directory, { recursive: true });
  const results = `${directory}/results.jsonl`;
  writeFileSync(`${directory}/drawn.json`, JSON.stringify(mutants.map(({ place }) => place)));
  writeFileSync(
    `${directory}/stryker.config.json`,
    JSON.stringify({
      ...JSON.parse(readFileSync("stryker.config.json", "utf8")),
      plugins: ["@stryker-mutator/vitest-runner", `${process.cwd()}/test/mutation/sample-plugin.mjs`],
      checkers: ["drawn"],
      reporters: ["result-lines"],
      mutate: mutants.map(({ file, lines: [first, last] }) => `${file}:${first}-${last}`),
      ignoreStatic: false,
      tempDirName: `${directory}/sandbox`,
    }),
  );
  const env = {
    ...process.env,
    MUTATION_TESTS: testsOf(folder).join(" "),
    MUTATION_DRAWN: `${process.cwd()}/${directory}/drawn.json`,
    MUTATION_RESULTS: `${process.cwd()}/${results}`,
  };
  // A separate process group, so that Stryker's workers end with it.
  const stryker = spawn(process.execPath, [program, "run", `${directory}/stryker.config.json`], {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let said = "";
  stryker.stdout.on("data", (text) => {
    said += text;
  });
  const timer = setTimeout(() => process.kill(-stryker.pid, "SIGKILL"), Math.max(0, deadline - Date.now()));
  return new Promise((resolve, reject) => {
    stryker.once("error", reject);
    stryker.once("close", (code, signal) => {
      clearTimeout(timer);
      const found = existsSync(results)
        ? readFileSync(results, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line))
        : [];
      // Mostly a test that fails before anything is changed: the test suite reports that.
      if (code !== 0 && signal === null) console.log(`${folder} could not be tried:\n${said}`);
      resolve(found);
    });
  });
}

const began = Date.now();
const deadline = began + minutes * 60_000;
rmSync(work, { recursive: true, force: true });
console.log(`seed ${seed} (--seed ${seed} repeats it)`);
const groups = await drawn(values.only, count, seed);

const results = [];
const waiting = [...groups];
/** Two folders at a time: while one starts and runs its tests once, the other tries mutants. */
async function nextFolders() {
  for (let group = waiting.shift(); group !== undefined && Date.now() < deadline; group = waiting.shift()) {
    const found = await tried(group, deadline);
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`${group.folder}: ${found.length} of ${group.mutants.length} tried, after ${seconds} s`);
    for (const { status, place } of found) {
      if (status in unnoticed) console.log(`  ${unnoticed[status]}: ${place.slice(0, 140)}`);
    }
    results.push(...found);
  }
}
await Promise.all([nextFolders(), nextFolders()]);

const survived = results.filter(({ status }) => status === "Survived").length;
// Tests outside this process may notice it: those do not run here.
const unreached = results.filter(({ status }) => status === "NoCoverage").length;
const noticed = results.length - survived - unreached;
const total = groups.reduce((sum, { mutants }) => sum + mutants.length, 0);
const judged = noticed + survived;
const percent = judged === 0 ? 0 : (100 * noticed) / judged;
const isEnough = judged >= fewestJudged;
const isBelow = isEnough && percent < floor;
const verdict = isEnough ? `${isBelow ? "below the" : "above the"} floor of ${floor} %` : "too few to judge";
console.log(
  `${noticed} noticed (${percent.toFixed(1)} %, ${verdict}), ${survived} survived, ` +
    `${total - judged} not tried (${unreached} of them because no test of this kind runs them)`,
);
process.exitCode = isBelow ? 1 : 0;
