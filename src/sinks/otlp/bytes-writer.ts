import type { Moment } from "../../protocol/trace-batch.js";

/** Writes fields of protobuf's wire format one behind the other, of which most are encoded already. */
export class BytesWriter {
  #bytes!: Buffer;
  /** Of the same memory. */
  #view!: DataView;
  #length = 0;
  /** The last one, and its nanoseconds. */
  #second = Number.NaN;
  #secondLow = 0;
  #secondHigh = 0;

  /** In memory that is as long as what is to come, as far as that is known: growing means copying. */
  constructor(memory: Buffer) {
    this.#use(memory);
  }

  /** Of a field of so many bytes: one byte that stands for number and type, and the length. */
  head(field: number, length: number): this {
    this.#reserve(1 + maxVarintBytes);
    this.#bytes[this.#length++] = field;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Nanoseconds since 1970, in 64 bits; before that it is 0: the field does not hold it. */
  time(field: number, { seconds, picoseconds }: Moment): this {
    this.#reserve(1 + 8);
    this.#bytes[this.#length] = field;
    // Most are of the same second: to reckon with 64 bits for each would take longer than the rest of a record.
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

  /** Where it is written. */
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

/** Of lengths that there are. */
const maxVarintBytes = 5;

/** Bytes that a length takes. */
export function varintBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
