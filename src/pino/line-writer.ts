import { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Lines per turn of the event loop: in between, the connection can answer the tracer's requests. */
const linesPerTurn = 200;

export interface LineWriterOptions {
  /** Called with each whole line, without its end; never throws. */
  readonly take: (line: string) => void;
  /** What a line of this length has to wait for, if anything. */
  readonly roomFor: (length: number) => Promise<void> | undefined;
  /** Called after the last line. */
  readonly close: () => Promise<void>;
}

/**
 * Splits the chunks from pino's worker into lines. A chunk may have 4 MiB: an object stream with one object per line would take
 * more time than everything else.
 */
export class LineWriter extends Writable {
  readonly #options: LineWriterOptions;
  /** The beginning of an incomplete line. */
  #rest = "";

  constructor(options: LineWriterOptions) {
    super({ decodeStrings: false });
    this.#options = options;
  }

  override _write(chunk: string | Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#takeAll(this.#rest + chunk.toString()).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // The last line may have no line feed.
    this.#takeAll(this.#rest === "" ? "" : `${this.#rest}\n`).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    void this.#options.close().then(() => done(error));
  }

  async #takeAll(text: string): Promise<void> {
    const { take, roomFor } = this.#options;
    let from = 0;
    let taken = 0;
    for (let to = text.indexOf("\n"); to !== -1; to = text.indexOf("\n", from)) {
      const room = to > from ? roomFor(to - from) : undefined;
      if (room !== undefined) await room;
      if (to > from) take(text.slice(from, to));
      from = to + 1;
      taken += 1;
      if (taken % linesPerTurn === 0) await nextTurn();
    }
    this.#rest = text.slice(from);
  }
}
