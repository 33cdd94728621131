import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInstrumenter } from "@stryker-mutator/instrumenter";
import fastGlob from "fast-glob";
import { createInjector } from "typed-inject";
import { placeOf } from "./place.mjs";

const { mutator } = JSON.parse(readFileSync("stryker.config.json", "utf8"));
const silent = { isDebugEnabled: () => false, debug() {}, info() {}, warn() {}, error() {} };

/** Every mutant of the sources below a folder, or of those that a glob names, that `stryker.config.json` does not leave out. */
async function mutantsOf(sources) {
  const files = fastGlob.sync(sources.endsWith(".ts") ? sources : `${sources}/**/*.ts`).sort();
  const instrumenter = createInjector()
    .provideValue("options", {})
    .provideValue("logger", silent)
    .injectFunction(createInstrumenter);
  const { mutants } = await instrumenter.instrument(
    files.map((name) => ({ name, mutate: true, content: readFileSync(name, "utf8") })),
    { plugins: null, ignorers: [], excludedMutations: mutator.excludedMutations },
  );
  return mutants.filter(({ status }) => status === undefined);
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The folder whose tests a file's mutants run against: the first below `src`, or `src` for the files at its top. */
function folderOf(file) {
  return dirname(file).split("/").slice(0, 2).join("/");
}

/**
 * Draws mutants and groups them by folder, in random order.
 * @returns {Promise<{ folder: string, mutants: { place: string, file: string, lines: [number, number] }[] }[]>}
 */
export async function drawn(sources, count, seed) {
  const random = randomNumbers(seed);
  const pool = await mutantsOf(sources);
  const groups = new Map();
  for (let left = Math.min(count, pool.length); left > 0; left -= 1) {
    const index = Math.floor(random() * pool.length);
    const mutant = pool[index];
    pool[index] = pool.at(-1);
    pool.pop();
    const folder = folderOf(mutant.fileName);
    const { start, end } = mutant.location;
    if (!groups.has(folder)) groups.set(folder, []);
    groups
      .get(folder)
      .push({ place: placeOf(mutant), file: mutant.fileName, lines: [start.line + 1, end.line + 1] });
  }
  return [...groups].map(([folder, mutants]) => ({ folder, mutants }));
}
