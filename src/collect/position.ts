import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "../base/crc32.js";

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
  /** Sequence number in the stream of its last message. */
  readonly sequence: number;
  readonly series: string;
  readonly first: number;
  readonly count: number;
  readonly ends: readonly LogEnd[];
}

/** How much of a subject is in the files. */
export interface Written {
  /** When the stream was created: a new stream of the same name starts again. */
  readonly created: string;
  /** Sequence number in the stream of the last message written. */
  readonly sequence: number;
  /** The next number of each daemon start and node (a series); the latest series last. */
  readonly next: Readonly<Record<string, number>>;
  readonly underWay?: BatchUnderWay;
  /**
   * Sequence number up to which other collectors have acknowledged. The stream forgets it with their consumer, and making
   * ours may fail.
   */
  readonly inherited?: number;
}

const slotBytes = 8_192;
/** How many series are remembered: a node that returns usually comes with a restarted tracer. */
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

  /** `isSynced`: positions survive a power failure. */
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

  /** Uses another stream from now on. */
  startAgain(created: string): void {
    this.#written = { ...nothing, created };
  }

  /** Records how far other collectors have acknowledged. */
  async inherit(sequence: number): Promise<void> {
    this.#written = { ...this.#written, inherited: sequence };
    await this.#save();
  }

  /** Records a batch before it is written. */
  async begin(underWay: BatchUnderWay): Promise<void> {
    this.#written = { ...this.#written, underWay };
    await this.#save();
  }

  /**
   * The current batch is written. That is recorded with the next batch: until then it can be determined from
   * the files.
   */
  end(): void {
    const { underWay, inherited: _inherited, ...written } = this.#written;
    if (underWay === undefined) return;
    const { sequence, series, first, count } = underWay;
    const { [series]: _, ...others } = written.next;
    const next = Object.fromEntries([...Object.entries(others), [series, first + count]].slice(-mostSeries));
    this.#written = { ...written, sequence, next };
  }

  /** Records a message with nothing to write. */
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
