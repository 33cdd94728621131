import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "../crc32.js";

/** Where a log ended before a batch was written to it. */
export interface LogEnd {
  readonly root: string;
  readonly extension: "json" | "log";
  /** Name of the current file; absent: there was none. */
  readonly file?: string;
  readonly bytes: number;
}

/** A batch that is about to be written; after a kill it is unknown how much of it was. */
export interface BatchUnderWay {
  /** In the stream, of its last message. */
  readonly sequence: number;
  readonly series: string;
  readonly first: number;
  readonly count: number;
  readonly ends: readonly LogEnd[];
}

/** What of a subject is in the files. */
export interface Written {
  /** When the stream was made: another stream of the same name starts again. */
  readonly created: string;
  /** In the stream, of the last message that is written. */
  readonly sequence: number;
  /** Of each daemon start and node (its series) the number that comes next; the latest series last. */
  readonly next: Readonly<Record<string, number>>;
  readonly underWay?: BatchUnderWay;
}

const slotBytes = 8_192;
/** Series that are remembered: a node that comes back has been restarted with its tracer. */
const mostSeries = 16;

/**
 * Remembers how far a subject is written, in a file next to the logs: two slots that are overwritten in turn, so that
 * one is whole whenever the process or the machine ends.
 */
export class Position {
  readonly #handle: FileHandle;
  readonly #isSynced: boolean;
  #turn: number;
  #written: Written;

  private constructor(handle: FileHandle, isSynced: boolean, turn: number, written: Written) {
    this.#handle = handle;
    this.#isSynced = isSynced;
    this.#turn = turn;
    this.#written = written;
  }

  /** `isSynced`: what is noted survives a power failure. */
  static async open(path: string, { isSynced }: { readonly isSynced: boolean }): Promise<Position> {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, "a+").then(async (made) => {
      await made.close();
      return open(path, "r+");
    });
    try {
      const bytes = Buffer.alloc(2 * slotBytes);
      await handle.read(bytes, 0, bytes.length, 0);
      const slots = [bytes.subarray(0, slotBytes), bytes.subarray(slotBytes)].map(slotIn);
      const [last] = slots.filter((slot) => slot !== undefined).toSorted((a, b) => b.turn - a.turn);
      return new Position(handle, isSynced, last?.turn ?? 0, last?.written ?? nothing);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get written(): Written {
    return this.#written;
  }

  /** Goes by another stream from now on. */
  startAgain(created: string): void {
    this.#written = { ...nothing, created };
  }

  /** Notes a batch before it is written. */
  async begin(underWay: BatchUnderWay): Promise<void> {
    this.#written = { ...this.#written, underWay };
    await this.#save();
  }

  /**
   * The batch under way is written, or was before. It is noted with the next one: until then it can be found from the
   * files.
   */
  end(): void {
    const { underWay, ...written } = this.#written;
    if (underWay === undefined) return;
    const { sequence, series, first, count } = underWay;
    const { [series]: _, ...others } = written.next;
    const next = Object.fromEntries([...Object.entries(others), [series, first + count]].slice(-mostSeries));
    this.#written = { ...written, sequence, next };
  }

  /** A message that brings nothing to write is done with. */
  pass(sequence: number): void {
    this.#written = { ...this.#written, sequence: Math.max(sequence, this.#written.sequence) };
  }

  async close(): Promise<void> {
    try {
      await this.#save();
    } finally {
      await this.#handle.close();
    }
  }

  async #save(): Promise<void> {
    this.#turn += 1;
    const text = JSON.stringify({ turn: this.#turn, written: this.#written });
    const slot = Buffer.alloc(slotBytes, " ");
    const sum = crc32(Buffer.from(text)).toString(16).padStart(8, "0");
    if (slot.write(`${sum} ${text}\n`) < sum.length + text.length + 2)
      throw new Error("the position in the stream does not fit in its slot");
    await this.#handle.write(slot, 0, slotBytes, (this.#turn % 2) * slotBytes);
    if (this.#isSynced) await this.#handle.datasync();
  }
}

const nothing: Written = { created: "", sequence: 0, next: {} };

function slotIn(bytes: Buffer): { readonly turn: number; readonly written: Written } | undefined {
  const line = bytes.toString("utf8", 0, Math.max(0, bytes.indexOf(0x0a)));
  const [, sum, text] = /^([0-9a-f]{8}) (.*)$/.exec(line) ?? [];
  if (text === undefined || crc32(Buffer.from(text)) !== Number.parseInt(sum!, 16)) return undefined;
  return JSON.parse(text);
}
