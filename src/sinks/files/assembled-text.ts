/** Longer memory is not kept but given away as it is: only objects of megabytes need it, and a copy would take long. */
const keptBytes = 1_024 * 1_024;

/** Used again and again: new memory for each batch would have to be cleared, and found again by the garbage collector. */
let spare = Buffer.allocUnsafeSlow(64 * 1_024);

/** Text that is put together in memory used again later. Only one at a time. */
export class AssembledText {
  /** What was written ends here. */
  end = 0;
  #bytes = spare;

  /** The memory, with room for this many bytes behind `end`. */
  withRoom(bytes: number): Buffer {
    const length = this.end + bytes;
    if (length > this.#bytes.length) this.#grow(length);
    return this.#bytes;
  }

  /** What was written. */
  take(): Buffer {
    const text = this.#bytes.subarray(0, this.end);
    return this.#bytes.length <= keptBytes ? Buffer.from(text) : text;
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.end);
    this.#bytes = grown;
    if (grown.length <= keptBytes) spare = grown;
  }
}
