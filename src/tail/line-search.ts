import vm from "node:vm";
import { TailError } from "./tail-error.js";
import type { TracedLine } from "./traced-line.js";

/** How many characters of a line are searched. */
const mostSearched = 64 * 1024;

/** Time limit for searching some lines; beyond it each is searched alone, with the same limit. */
const defaultDeadlineMs = 500;

/** How many lines may take too long before the search is given up. */
const mostSlow = 8;

/**
 * Finds lines by the user's regular expression. A peer can send lines on which some expressions would take years;
 * such searches are stopped.
 */
export class LineSearch {
  readonly #source: string;
  readonly #script = new vm.Script("texts.map((text) => pattern.test(text))");
  readonly #context: vm.Context;
  readonly #deadlineMs: number;
  #slow = 0;

  /** @throws TailError if it is not a regular expression */
  constructor(source: string, deadlineMs = defaultDeadlineMs) {
    this.#source = source;
    this.#deadlineMs = deadlineMs;
    try {
      this.#context = vm.createContext({ texts: [], pattern: new RegExp(source, "u") });
    } catch (error) {
      throw new TailError("usage", `--grep: ${error instanceof Error ? error.message : error}`);
    }
  }

  /**
   * The lines that match; a line on which the search takes too long does not.
   * @throws TailError after several such lines
   */
  matching(lines: readonly TracedLine[]): TracedLine[] {
    if (lines.length === 0) return [];
    const found = this.#test(lines) ?? lines.map((line) => this.#testAlone(line));
    return lines.filter((_, index) => found[index]);
  }

  #testAlone(line: TracedLine): boolean {
    const found = this.#test([line]);
    if (found !== undefined) return found[0]!;
    this.#slow += 1;
    if (this.#slow < mostSlow) return false;
    throw new TailError(
      "usage",
      `--grep: ${this.#source} takes too long on the lines there are; use a simpler pattern, without repetitions inside repetitions`,
    );
  }

  /** Which lines match; undefined if that takes too long. */
  #test(lines: readonly TracedLine[]): boolean[] | undefined {
    this.#context.texts = lines.map(searched);
    try {
      return this.#script.runInContext(this.#context, { timeout: this.#deadlineMs }) as boolean[];
    } catch (error) {
      // An error from the other context is not an instance of our Error.
      if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
      throw error;
    }
  }
}

/** The line as stored; for an object from a daemon also its text for people. */
function searched({ form, text, human }: TracedLine): string {
  const whole = form === "machine" && human !== undefined ? `${human}\n${text}` : text;
  return whole.slice(0, mostSearched);
}
