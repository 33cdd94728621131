import { LiveOutput, textWriter, type WriteText } from "./line-output.js";
import { jsonLine, LineLayout } from "./line-style.js";
import type { TracedLine } from "./traced-line.js";

/** How lines are shown. */
export interface DisplayOptions {
  readonly format: "human" | "json";
  readonly wrap: boolean;
  /** Whether lines keep arriving: then a terminal that is too slow misses some. Pipes and files are always waited for. */
  readonly isLive: boolean;
  /** @default stdout of the process */
  readonly output?: DisplayOutput;
}

/** Where to write. */
export interface DisplayOutput {
  readonly write: WriteText;
  readonly isTerminal: boolean;
  readonly colours: boolean;
  /** The current number of columns. */
  readonly columns: () => number | undefined;
}

/** About how many characters are written at once. */
const mostAtOnce = 64 * 1024;

/** Shows lines on standard output. */
export class Display {
  readonly #options: DisplayOptions;
  readonly #output: DisplayOutput;
  readonly #layout = new LineLayout();
  readonly #live: LiveOutput | undefined;

  constructor(options: DisplayOptions) {
    this.#options = options;
    this.#output = options.output ?? standardOutput();
    if (options.isLive && this.#output.isTerminal)
      this.#live = new LiveOutput(this.#output.write, (lines) => this.#missedText(lines));
  }

  /** @throws TailError of code `reader-gone`, and the operating system's errors */
  async show(lines: readonly TracedLine[]): Promise<void> {
    this.#layout.prepare(lines);
    if (this.#live !== undefined) {
      for (const line of lines) this.#live.offer(this.#text(line));
      return;
    }
    let text = "";
    for (const line of lines) {
      text += this.#text(line);
      if (text.length < mostAtOnce) continue;
      await this.#output.write(text);
      text = "";
    }
    if (text !== "") await this.#output.write(text);
  }

  /** Shows that this many lines are missing at this place. */
  async missed(lines: number): Promise<void> {
    if (this.#live === undefined) await this.#output.write(this.#missedText(lines));
    else this.#live.missed(lines);
  }

  /** Resolves when everything is written. */
  async end(): Promise<void> {
    await this.#live?.flush();
  }

  #text(line: TracedLine): string {
    if (this.#options.format === "json") return jsonLine(line);
    const { isTerminal, colours, columns } = this.#output;
    const width = isTerminal ? columns() : undefined;
    return this.#layout.show(line, { colours, columns: width, wrap: this.#options.wrap });
  }

  #missedText(lines: number): string {
    if (this.#options.format === "json") return `${JSON.stringify({ missed: lines })}\n`;
    return `… ${lines.toLocaleString("en")} ${lines === 1 ? "line" : "lines"} missed here: too many at once\n`;
  }
}

function standardOutput(): DisplayOutput {
  const { stdout, env } = process;
  const isTerminal = stdout.isTTY === true;
  return {
    write: textWriter(stdout.fd),
    isTerminal,
    colours: isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb",
    // A terminal of unknown width reports 0.
    columns: () => stdout.columns || undefined,
  };
}
