import type { WriteStream } from "node:tty";
import { visibleLines, visibleText } from "../text/visible-text.js";

/** Shortest time between two states on a terminal, in milliseconds. */
const pauseMs = 100;

/**
 * Progress for people: lines that stay, and on a terminal one line below them that changes. Both may quote peers, so control
 * characters are escaped.
 */
export class StatusLine {
  readonly #stream: NodeJS.WriteStream;
  #shown = "";
  #shownAt = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** Shows the current state, on a terminal only; some states may be skipped. */
  show(text: string): void {
    if (!this.#stream.isTTY || performance.now() - this.#shownAt < pauseMs) return;
    this.#shownAt = performance.now();
    const { columns } = this.#stream as WriteStream;
    this.#draw(visibleText(text).slice(0, Math.max(0, columns - 1)));
  }

  /** A line that stays. */
  print(text: string): void {
    const shown = this.#shown;
    this.clear();
    this.#stream.write(`${visibleLines(text)}\n`);
    if (shown !== "") this.#draw(shown);
  }

  clear(): void {
    if (this.#shown !== "") this.#draw("");
  }

  #draw(text: string): void {
    this.#stream.write(`\r\x1b[K${text}`);
    this.#shown = text;
  }
}

/** `1.5 GB`: decimal, as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
