import type { Moment } from "../../protocol/trace-batch.js";

/** Writes protobuf fields one after another; most of them are encoded already. */
export class BytesWriter {
  #bytes!: Buffer;
  /** A view of the same memory. */
  #view!: DataView;
  #length = 0;
  /** The second written last, and its nanoseconds since 1970. */
  #second = Number.NaN;
  #secondLow = 0;
  #secondHigh = 0;

  /** `memory` should have about the final length: growing means copying. */
  constructor(memory: Buffer) {
    this.#use(memory);
  }

  /** The head of a field of this length: one byte for number and type, and the length. */
  head(field: number, length: number): this {
    this.#reserve(1 + maxVarintBytes);
    this.#bytes[this.#length++] = field;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Nanoseconds since 1970, in 64 bits; 0 for earlier times, which the field cannot hold. */
  time(field: number, { seconds, picoseconds }: Moment): this {
    this.#reserve(1 + 8);
    this.#bytes[this.#length] = field;
    // Cached, because most times share a second: 64-bit arithmetic for each would take longer than the rest of a record.
    if (seconds !== this.#second) {
      this.#second = seconds;
      const nanoseconds = BigInt(seconds) * nanosPerSecond;
      this.#secondLow = Number(BigInt.asUintN(32, nanoseconds));
      this.#secondHigh = Number(BigInt.asUintN(32, nanoseconds >> 32n));
    }
    const low = this.#secondLow + Math.floor(picoseconds / 1_000);
    const isBefore = seconds < 0;
    this.#view.setUint32(this.#length + 1, isBefore ? 0 : low, true);
    this.#view.setUint32(
      this.#length + 5,
      isBefore ? 0 : this.#secondHigh + Number(low > 0xff_ff_ff_ff),
      true,
    );
    this.#length += 1 + 8;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** The memory that is written to. */
  get memory(): Buffer {
    return this.#bytes;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#use(grown);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

const nanosPerSecond = 1_000_000_000n;

/** Enough for any length of a buffer. */
const maxVarintBytes = 5;

/** Bytes that a length takes as a varint. */
export function varintBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
