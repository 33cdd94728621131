import { writeSync } from "node:fs";

const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const clearRest = "\x1b[J";
const clearLine = "\x1b[K";

/** Keys pressed quickly, or held down, arrive together. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals send
const keys = /\x1b\[\d*[~A-Z]|./gs;

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Uses the terminal as a full page; it is restored however the process ends, except by SIGKILL. */
export class Terminal implements Disposable {
  readonly #stdin: NodeJS.ReadStream;
  readonly #stdout: typeof process.stdout;
  readonly #onKeys: (text: string) => void;
  readonly #restore = () => this[Symbol.dispose]();
  /** The process then ends as the signal would have ended it. */
  readonly #end = (signal: NodeJS.Signals) => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };
  #isOver = false;

  /** @param onKey called with each key, Ctrl-C as `\x03`, arrows as the terminal sends them */
  constructor(onKey: (key: string) => void) {
    this.#stdin = process.stdin;
    this.#stdout = process.stdout;
    this.#onKeys = (text) => {
      for (const key of text.match(keys) ?? []) onKey(key);
    };
    for (const signal of endings) process.on(signal, this.#end);
    // Also after an error of ours.
    process.on("exit", this.#restore);
    this.#stdout.write(enter);
    if (this.#stdin.isTTY) {
      this.#stdin.setRawMode(true);
      this.#stdin.setEncoding("utf8").on("data", this.#onKeys).resume();
    }
  }

  get columns(): number | undefined {
    return this.#stdout.columns || undefined;
  }

  get rows(): number | undefined {
    return this.#stdout.rows || undefined;
  }

  /** Called when the size has changed. */
  onResize(changed: () => void): void {
    this.#stdout.on("resize", changed);
  }

  /** Draws a page over the previous one, without flicker. */
  draw(lines: readonly string[]): void {
    if (this.#isOver) return;
    // Each line is cleared before it is written, not after: one as wide as the terminal would lose its last character.
    const last = lines.length - 1;
    const rows = lines.map((line, index) => `${index === last ? clearRest : clearLine}${line}`);
    this.#stdout.write(home + rows.join("\r\n"));
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const signal of endings) process.off(signal, this.#end);
    process.off("exit", this.#restore);
    this.#stdin.off("data", this.#onKeys).pause();
    try {
      if (this.#stdin.isTTY) this.#stdin.setRawMode(false);
      // Written synchronously: the process may be about to end.
      writeSync(this.#stdout.fd, leave);
    } catch {
      // The terminal is gone, so there is nothing to restore.
    }
  }
}
