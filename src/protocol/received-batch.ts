import type { BatchBytes } from "./batch-bytes.js";
import { breakByte, headBytes, indefinite, major, readHead } from "./cbor-head.js";
import { KnownTexts } from "./known-texts.js";
import { absent, column, columns } from "./object-fields.js";
import {
  type DetailLevel,
  detailLevels,
  type Moment,
  type Severity,
  severities,
  type TraceBatch,
} from "./trace-batch.js";
import { momentAt, timeAt } from "./trace-time.js";

/** Limit in bytes of a host, a thread or a namespace: a longer one is cut, and ends with `…`. The machine text has it in full. */
const maxWordBytes = 1_024;
/** Hosts, threads and segments of namespaces: the same few hundred again and again. */
const words = new KnownTexts();

/** A run of trace objects as received: their bytes, and where each field is. */
export class ReceivedBatch implements TraceBatch {
  readonly length: number;
  readonly receivedBytes: number;
  /** Undefined once the batch is released. */
  #content: { readonly memory: BatchBytes; readonly lines: Uint8Array } | undefined;

  /** The table has a row for each of `length` objects, and the lines of all of them have been added. */
  constructor(memory: BatchBytes, length: number) {
    this.length = length;
    this.receivedBytes = memory.fields[(length - 1) * columns + column.objectEnd]!;
    this.#content = { memory, lines: memory.lines };
  }

  /** All memory that the batch uses until it is released, in bytes. */
  get memoryBytes(): number {
    return this.#content?.memory.memoryBytes ?? 0;
  }

  machineLines(): Uint8Array {
    return this.#held.lines;
  }

  /** Ends the batch: its memory is used for others, and it must no longer be read. */
  release(): void {
    this.#content?.memory.release();
    this.#content = undefined;
  }

  encoded(index: number): Uint8Array {
    return this.#slice(index, column.objectStart, column.objectEnd);
  }

  machine(index: number): Uint8Array {
    return this.#slice(index, column.machineStart, column.machineEnd);
  }

  human(index: number): Uint8Array | undefined {
    if (this.#field(index, column.humanStart) === absent) return undefined;
    return this.#slice(index, column.humanStart, column.humanEnd);
  }

  namespace(index: number): string {
    let namespace = "";
    let at = this.#field(index, column.namespaceStart);
    const first = this.#bytes[at]!;
    let left = first === indefinite.array ? Number.POSITIVE_INFINITY : this.#argument(at, major.array);
    at += headBytes(first);
    let bytesLeft = maxWordBytes;
    for (; left > 0 && bytesLeft > 0 && this.#bytes[at] !== breakByte; left -= 1) {
      const start = at + headBytes(this.#bytes[at]!);
      at = start + this.#argument(at, major.text);
      const word = this.#word(start, at, bytesLeft);
      namespace = bytesLeft === maxWordBytes ? word : `${namespace}.${word}`;
      bytesLeft -= at - start + 1;
    }
    return namespace;
  }

  severity(index: number): Severity {
    return severities[this.#field(index, column.severity)]!;
  }

  countSeverities(counts: Uint32Array, at: number): void {
    // Called for every object if there is a page: look-ups by name would cost more than the counting.
    const { fields } = this.#held.memory;
    const end = this.length * columns;
    for (let cell = column.severity; cell < end; cell += columns) counts[at + fields[cell]!]! += 1;
  }

  details(index: number): DetailLevel {
    return detailLevels[this.#field(index, column.details)]!;
  }

  timestamp(index: number): bigint {
    return timeAt(this.#bytes, this.#field(index, column.timeStart));
  }

  moment(index: number): Moment {
    return momentAt(this.#bytes, this.#field(index, column.timeStart));
  }

  host(index: number): string {
    return this.#word(this.#field(index, column.hostStart), this.#field(index, column.hostEnd));
  }

  thread(index: number): string {
    return this.#word(this.#field(index, column.threadStart), this.#field(index, column.threadEnd));
  }

  #word(start: number, end: number, mostBytes = maxWordBytes): string {
    if (end - start <= mostBytes) {
      const { bytes, view } = this.#held.memory;
      return words.find(view, start, end) ?? bytes.toString("utf8", start, end);
    }
    let cutAt = start + mostBytes;
    // Not in the middle of a character.
    while ((this.#bytes[cutAt]! & 0xc0) === 0x80) cutAt -= 1;
    return `${this.#bytes.toString("utf8", start, cutAt)}…`;
  }

  #field(index: number, at: number): number {
    return this.#held.memory.fields[index * columns + at]!;
  }

  get #bytes(): Buffer {
    return this.#held.memory.bytes;
  }

  get #held(): { readonly memory: BatchBytes; readonly lines: Uint8Array } {
    if (this.#content === undefined) throw new RangeError("the batch was released");
    return this.#content;
  }

  #slice(index: number, start: number, end: number): Buffer {
    return this.#bytes.subarray(this.#field(index, start), this.#field(index, end));
  }

  #argument(at: number, type: typeof major.array | typeof major.text): number {
    return readHead(this.#bytes, at, this.#bytes.length, type, "a trace object");
  }
}
