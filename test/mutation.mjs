// npm run mutation -- protocol|registry [--mutants N] [--seed S]: changes one operator or number of the folder's sources at a time and runs the
// folder's tests, which should notice. Works in a copy; prints what survived, and the score.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** What is replaced by what; each match is a mutant. */
const mutations = [
  [/ < /g, " <= "],
  [/ <= /g, " < "],
  [/ > /g, " >= "],
  [/ >= /g, " > "],
  [/ === /g, " !== "],
  [/ !== /g, " === "],
  [/ && /g, " || "],
  [/ \|\| /g, " && "],
  [/ \+ 1\b/g, ""],
  [/ - 1\b/g, ""],
  [/ \+= /g, " -= "],
  [/\btrue\b/g, "false"],
  [/\bfalse\b/g, "true"],
  [/^\s+await [^;\n]*;$/gm, ""],
  [/^\s+this\.#\w+\([^;\n]*\);$/gm, ""],
];
/** Longer than the tests of a folder take; a mutant that runs on is noticed. */
const timeoutMs = 180_000;

const { values, positionals } = parseArgs({
  options: { mutants: { type: "string", default: "50" }, seed: { type: "string", default: "1" } },
  allowPositionals: true,
});
const [folder] = positionals;
if (folder !== "protocol" && folder !== "registry") {
  console.error("usage: npm run mutation -- protocol|registry [--mutants N] [--seed S]");
  process.exit(2);
}

const copy = mkdtempSync(join(tmpdir(), "muninn-mutation-"));
process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
for (const name of ["src", "test", "package.json", "tsconfig.json", "vitest.config.ts"]) {
  cpSync(name, join(copy, name), { recursive: true });
}
symlinkSync(resolve("node_modules"), join(copy, "node_modules"));

/** Every change that can be made, comments and imports left alone. */
function* mutants() {
  for (const name of readdirSync(join("src", folder))) {
    const path = join("src", folder, name);
    const text = readFileSync(path, "utf8");
    for (const [pattern, replacement] of mutations) {
      for (const { index, 0: found } of text.matchAll(pattern)) {
        const line = text.slice(text.lastIndexOf("\n", index) + 1, text.indexOf("\n", index + 1)).trim();
        if (/^(\*|\/\/|\/\*|import|export (interface|type)|readonly|type)/.test(line)) continue;
        const mutated = `${text.slice(0, index)}${replacement}${text.slice(index + found.length)}`;
        const number = text.slice(0, index).split("\n").length;
        yield {
          path,
          text,
          mutated,
          what: `${path}:${number}: ${found.trim()} → ${replacement.trim() || "nothing"}`,
        };
      }
    }
  }
}

/** Numbers from 0 to 1 that follow from the seed. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomNumbers(Number(values.seed));
const all = [...mutants()].map((mutant) => ({ mutant, order: random() })).sort((a, b) => a.order - b.order);
const chosen = all.slice(0, Number(values.mutants)).map(({ mutant }) => mutant);
console.log(`${chosen.length} of ${all.length} mutants of src/${folder}`);

let noticed = 0;
for (const { path, text, mutated, what } of chosen) {
  writeFileSync(join(copy, path), mutated);
  const run = spawnSync("vitest", ["run", "--bail=1", "--reporter=dot", `test/${folder}`], {
    cwd: copy,
    timeout: timeoutMs,
  });
  writeFileSync(join(copy, path), text);
  if (run.status === 0) console.log(`survived: ${what}`);
  else noticed += 1;
}
console.log(`${noticed} of ${chosen.length} noticed, ${((100 * noticed) / chosen.length).toFixed(0)} %`);
