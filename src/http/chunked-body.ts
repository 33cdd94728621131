const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Finds the end of a chunked body (RFC 9112, 7.1), in which a line with its length precedes each chunk; contents are ignored. */
export class ChunkedBody {
  /** Bytes left of the current chunk and of the line end after it. */
  #left = 0;
  /** Length of the chunk whose line is being read. */
  #length = 0;
  /** The line being read: the length of a chunk, its extensions, or a trailer after the last chunk. */
  #line: "length" | "extension" | "trailer" = "length";
  #isLineEmpty = true;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** How many of the next bytes belong to the body. */
  endIn(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        at = end;
      } else {
        this.#takeByte(bytes[at]!);
        at += 1;
      }
    }
    return at;
  }

  #takeByte(byte: number): void {
    if (byte === lineFeed) this.#endLine();
    else if (byte !== carriageReturn) {
      this.#isLineEmpty = false;
      if (this.#line === "length") this.#takeDigit(byte);
    }
  }

  #takeDigit(byte: number): void {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    // Errors are left to the reader of the body.
    if (Number.isNaN(digit)) this.#line = "extension";
    else this.#length = this.#length * 16 + digit;
  }

  #endLine(): void {
    if (this.#line === "trailer") this.#isOver = this.#isLineEmpty;
    else if (this.#length === 0) this.#line = "trailer";
    else {
      this.#left = this.#length + 2;
      this.#length = 0;
      this.#line = "length";
    }
    this.#isLineEmpty = true;
  }
}
