const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Finds where a body ends that comes in chunks (RFC 9112, 7.1), each after a line with its length; what is in them is not looked at. */
export class ChunkedBody {
  /** Bytes of the chunk, and of the line end after it, that are to come. */
  #left = 0;
  /** Of the chunk whose line is coming. */
  #length = 0;
  /** The line that is coming: the length of a chunk, what else is said of it, or one that follows the last chunk. */
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
    // Whoever reads the body judges what is wrong with it.
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
