import { write } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { TailError } from "./tail-error.js";

/** Writes a text; resolves when the reader has accepted it. */
export type WriteText = (text: string) => Promise<void>;

const retryMs = 10;

/**
 * Writes to a file descriptor outside the event loop, which a stalled terminal would otherwise stop.
 * @throws TailError of code `reader-gone`, and the operating system's errors
 */
export function textWriter(descriptor: number): WriteText {
  return async (text) => {
    for (let rest = Buffer.from(text, "utf8"); rest.length > 0; ) {
      const written = await writeSome(descriptor, rest);
      // Another process made the terminal non-blocking, and it is full.
      if (written === 0) await sleep(retryMs);
      rest = rest.subarray(written);
    }
  };
}

function writeSome(descriptor: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === "EAGAIN") resolve(0);
      // A closed terminal reports EIO.
      else reject(error.code === "EPIPE" || error.code === "EIO" ? readerGone() : error);
    });
  });
}

function readerGone(): TailError {
  return new TailError("reader-gone", "nobody reads the output");
}

/** Most characters that wait for a slow terminal. */
const mostWaiting = 1024 * 1024;

/** Writes lines to a terminal as they come, and never waits for it: if it is too slow, lines are left out and counted. */
export class LiveOutput {
  readonly #write: WriteText;
  readonly #missedText: (lines: number) => string;
  #waiting: string[] = [];
  #waitingLength = 0;
  #missed = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  /** @param missedText says how many lines are missing at a place */
  constructor(write: WriteText, missedText: (lines: number) => string) {
    this.#write = write;
    this.#missedText = missedText;
  }

  /**
   * Accepts a line, or counts it as missed.
   * @throws what writing threw before
   */
  offer(line: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    // After a missed line nothing is accepted until the number is shown, so that it is shown at the right place.
    if (this.#missed > 0 || this.#waitingLength + line.length > mostWaiting) {
      this.#missed += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Counts lines that were left out before. */
  missed(lines: number): void {
    this.#missed += lines;
    this.#writing ??= this.#writeAll();
  }

  /**
   * Resolves when everything is written.
   * @throws what writing threw
   */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #writeAll(): Promise<void> {
    // Lines offered in the same turn of the event loop are written together.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0 || this.#missed > 0) {
        const text = this.#waiting.join("");
        this.#waiting = [];
        await this.#write(text);
        this.#waitingLength -= text.length;
        if (this.#missed > 0 && this.#waiting.length === 0) {
          const missed = this.#missed;
          this.#missed = 0;
          await this.#write(this.#missedText(missed));
        }
      }
    } catch (error) {
      this.#failure = error;
    }
    this.#writing = undefined;
  }
}
