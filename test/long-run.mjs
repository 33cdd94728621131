// npm run fuzz -- --minutes N: the fuzz tests repeatedly, each time with other random numbers, until the time is over or one fails.
// npm run soak -- --minutes N: the soak test for that long.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const suites = {
  fuzz: ["test/protocol/fuzz.test.ts", "test/protocol/usual-object.test.ts", "test/config/fuzz.test.ts"],
  soak: ["test/soak/soak.test.ts"],
};

const { values, positionals } = parseArgs({
  options: { minutes: { type: "string", default: "10" } },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
const files = suites[positionals[0]];
if (files === undefined || !(minutes > 0)) {
  console.error(`usage: npm run ${Object.keys(suites).join("|")} -- --minutes N`);
  process.exit(2);
}

/** Runs the tests once; returns whether they passed. A failure prints the seed that repeats it. */
function passes() {
  const env = { ...process.env, MUNINN_SOAK_MINUTES: values.minutes };
  // npm puts the programs of packages on the path.
  const run = spawnSync("vitest", ["run", "--reporter=default", ...files], { env, stdio: "inherit" });
  return run.status === 0;
}

const until = Date.now() + minutes * 60_000;
let rounds = 0;
do {
  if (!passes()) process.exit(1);
  rounds += 1;
} while (Date.now() < until);
console.log(`${rounds} rounds, nothing found`);
