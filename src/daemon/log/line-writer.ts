import { settledWithin } from "../../base/deadline.js";
import type { Outlet } from "./outlet.js";

/** Characters handed to the outlet at a time; each chunk written makes room for new lines. */
const chunkLength = 64 * 1024;

export interface LineWriterOptions {
  readonly outlet: Outlet;
  /** Lines not yet written, in bytes. What does not fit is dropped. */
  readonly maxPendingBytes: number;
  /** Called with the number of lines dropped in a row once there is room again; the line it writes takes their place. */
  readonly onDropped: (lines: number) => void;
}

/** A bounded queue of whole lines before an outlet that may stall. */
export class LineWriter {
  readonly #options: LineWriterOptions;
  #queue: string[] = [];
  #pendingBytes = 0;
  #dropped = 0;
  #isReportingDropped = false;
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** Accepts a line with its line feed, or drops it; never blocks, never throws. */
  write(line: string): void {
    if (this.#closed) return;
    const bytes = Buffer.byteLength(line);
    const fits = this.#pendingBytes + bytes <= this.#options.maxPendingBytes;
    // After a dropped line all are dropped until the gap is reported: so there is one gap, reported in its place.
    if (!this.#isReportingDropped && (this.#dropped > 0 || !fits)) {
      this.#dropped += 1;
    } else {
      this.#queue.push(line);
      this.#pendingBytes += bytes;
    }
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  /** Writes what is pending, for `deadlineMs` at most, and accepts no more lines. */
  async stop(deadlineMs: number): Promise<void> {
    await settledWithin(this.#draining, deadlineMs);
    this.#close();
  }

  async #drain(): Promise<void> {
    // Lines of one turn go out together.
    await undefined;
    while (!this.#closed && (this.#queue.length > 0 || this.#dropped > 0)) {
      const chunk = Buffer.from(this.#nextLines());
      try {
        await this.#options.outlet.write(chunk);
      } catch {
        // This log has lost its reader: there is nobody to report that to, and the daemon continues.
        this.#close();
        return;
      }
      this.#pendingBytes -= chunk.length;
      this.#reportDropped();
    }
  }

  #nextLines(): string {
    let end = 0;
    for (let length = 0; end < this.#queue.length && length < chunkLength; end += 1) {
      length += this.#queue[end]!.length;
    }
    return this.#queue.splice(0, end).join("");
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#isReportingDropped = true;
    this.#options.onDropped(lines);
    this.#isReportingDropped = false;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#options.outlet.close();
  }
}
