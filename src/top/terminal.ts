import { writeSync } from "node:fs";

const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const clearRest = "\x1b[J";
const clearLine = "\x1b[K";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The terminal as a page of its own; it is what it was before however the process ends, SIGKILL aside. */
export class Terminal implements Disposable {
  readonly #stdin: NodeJS.ReadStream;
  readonly #stdout: typeof process.stdout;
  readonly #onKey: (key: string) => void;
  readonly #restore = () => this[Symbol.dispose]();
  /** The process then ends as the signal would have ended it. */
  readonly #end = (signal: NodeJS.Signals) => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };
  #isOver = false;

  /** @param onKey told of each key, Ctrl-C as `\x03`, arrows as the terminal sends them */
  constructor(onKey: (key: string) => void) {
    this.#stdin = process.stdin;
    this.#stdout = process.stdout;
    this.#onKey = onKey;
    for (const signal of endings) process.on(signal, this.#end);
    // After an error of ours as well.
    process.on("exit", this.#restore);
    this.#stdout.write(enter);
    if (this.#stdin.isTTY) {
      this.#stdin.setRawMode(true);
      this.#stdin.setEncoding("utf8").on("data", this.#onKey).resume();
    }
  }

  get columns(): number | undefined {
    return this.#stdout.columns || undefined;
  }

  get rows(): number | undefined {
    return this.#stdout.rows || undefined;
  }

  /** Calls back when the size has changed. */
  onResize(changed: () => void): void {
    this.#stdout.on("resize", changed);
  }

  /** Draws a page over what was there, without a flicker. */
  draw(lines: readonly string[]): void {
    if (this.#isOver) return;
    this.#stdout.write(`${home}${lines.map((line) => `${line}${clearLine}`).join("\r\n")}${clearRest}`);
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const signal of endings) process.off(signal, this.#end);
    process.off("exit", this.#restore);
    this.#stdin.off("data", this.#onKey).pause();
    try {
      if (this.#stdin.isTTY) this.#stdin.setRawMode(false);
      // Nothing is written later than this: the process may be at its end.
      writeSync(this.#stdout.fd, leave);
    } catch {
      // The terminal is gone, and nothing is to be restored.
    }
  }
}
