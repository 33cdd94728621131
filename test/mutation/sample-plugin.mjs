import { appendFileSync, readFileSync } from "node:fs";
import { placeOf } from "./place.mjs";

/**
 * Additions of a sample to Stryker. The checker rejects mutants that were not drawn: a range of lines also contains the mutants
 * nested in it. The reporter writes each result at once, so that a run out of time leaves its results so far.
 * Both files are named in the environment: MUTATION_DRAWN (a JSON list of places) and MUTATION_RESULTS (a line for each mutant).
 */
class DrawnOnly {
  #drawn = new Set();

  async init() {
    this.#drawn = new Set(JSON.parse(readFileSync(process.env.MUTATION_DRAWN, "utf8")));
  }

  async check(mutants) {
    return Object.fromEntries(
      mutants.map((mutant) => [
        mutant.id,
        this.#drawn.has(placeOf(mutant))
          ? { status: "passed" }
          : { status: "compileError", reason: "not drawn" },
      ]),
    );
  }
}

/** Others were left out, or not drawn. */
const tried = new Set(["Killed", "Timeout", "RuntimeError", "Survived", "NoCoverage"]);

function lessOne({ line, column }) {
  return { line: line - 1, column: column - 1 };
}

class ResultLines {
  onMutantTested({ status, fileName, location, mutatorName, replacement }) {
    if (!tried.has(status)) return;
    // Reports count lines and columns from 1, Stryker itself from 0.
    const { start, end } = location;
    const fromZero = { start: lessOne(start), end: lessOne(end) };
    const place = placeOf({ fileName, location: fromZero, mutatorName, replacement });
    appendFileSync(process.env.MUTATION_RESULTS, `${JSON.stringify({ status, place })}\n`);
  }
}

export const strykerPlugins = [
  { kind: "Checker", name: "drawn", injectableClass: DrawnOnly },
  { kind: "Reporter", name: "result-lines", injectableClass: ResultLines },
];
