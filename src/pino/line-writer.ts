import { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Lines in one go, before the connection gets its turn: so the tracer's requests are answered between them. */
const linesPerTurn = 200;

export interface LineWriterOptions {
  /** Called with each whole line, without its end; never throws. */
  readonly take: (line: string) => void;
  /** What a line of this length has to wait for, if anything. */
  readonly relief: (length: number) => Promise<void> | undefined;
  /** After the last line. */
  readonly close: () => Promise<void>;
}

/**
 * Splits what pino's worker gives it into lines. The worker gives up to 4 MiB at once: a stream of one object per line would
 * take longer than everything else.
 */
export class LineWriter extends Writable {
  readonly #options: LineWriterOptions;
  /** The beginning of a line whose end has not arrived. */
  #rest = "";

  constructor(options: LineWriterOptions) {
    super({ decodeStrings: false });
    this.#options = options;
  }

  override _write(chunk: string | Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#takeAll(this.#rest + chunk.toString()).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // A line whose end never came.
    this.#takeAll(this.#rest === "" ? "" : `${this.#rest}\n`).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    void this.#options.close().then(() => done(error));
  }

  async #takeAll(text: string): Promise<void> {
    const { take, relief } = this.#options;
    let from = 0;
    let taken = 0;
    for (let to = text.indexOf("\n"); to !== -1; to = text.indexOf("\n", from)) {
      const waits = to > from ? relief(to - from) : undefined;
      if (waits !== undefined) await waits;
      if (to > from) take(text.slice(from, to));
      from = to + 1;
      taken += 1;
      if (taken % linesPerTurn === 0) await nextTurn();
    }
    this.#rest = text.slice(from);
  }
}
