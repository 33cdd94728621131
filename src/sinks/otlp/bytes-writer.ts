/** Writes fields of protobuf's wire format one behind the other, of which most are encoded already. */
export class BytesWriter {
  #bytes!: Buffer;
  /** Of the same memory. */
  #view!: DataView;
  #length = 0;

  /** `bytes` as far as the length is known: growing means copying. */
  constructor(bytes: number) {
    this.#use(Buffer.allocUnsafe(bytes));
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

  /** What is below 0 is 0: the field does not hold it. */
  fixed64(field: number, value: bigint): this {
    this.#reserve(1 + 8);
    this.#bytes[this.#length] = field;
    this.#view.setBigUint64(this.#length + 1, value < 0n ? 0n : value, true);
    this.#length += 1 + 8;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
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

/** Of lengths that there are. */
const maxVarintBytes = 5;

/** Bytes that a length takes. */
export function varintBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
