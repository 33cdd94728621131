const lineFeed = 0x0a;
/** Most appends in one write; the system accepts at most 1,024 pieces. */
const mostPieces = 256;

interface Append {
  bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * What was appended to one log and is not safe yet, in order. Its first bytes may be in the current file already: they stay
 * here until that file is known to keep them.
 */
export class AppendQueue {
  readonly #appends: Append[] = [];
  #unsafeBytes = 0;
  #writtenBytes = 0;
  readonly #emptied: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#appends.length === 0;
  }

  get unsafeBytes(): number {
    return this.#unsafeBytes;
  }

  /** How many of the first bytes are in the current file. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Whether the current file has a whole append that is not known to be safe. */
  get hasWhole(): boolean {
    const first = this.#appends[0];
    return first !== undefined && this.#writtenBytes >= first.bytes.length;
  }

  /** How many bytes of an unfinished line the current file ends with. */
  get tornBytes(): number {
    let before = 0;
    for (const { bytes } of this.#appends) {
      const written = this.#writtenBytes - before;
      if (written < bytes.length) return written - bytes.subarray(0, written).lastIndexOf(lineFeed) - 1;
      before += bytes.length;
    }
    return 0;
  }

  /** Resolves when the lines are safe. */
  push(bytes: Uint8Array): Promise<void> {
    this.#unsafeBytes += bytes.length;
    return new Promise((resolve, reject) => {
      this.#appends.push({ bytes, resolve, reject });
    });
  }

  /** Resolves when nothing is left. */
  async drained(): Promise<void> {
    if (!this.isEmpty) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  /**
   * What to write next: the rest of a started append, alone; otherwise appends up to the one that reaches
   * `enoughBytes`.
   */
  next(enoughBytes: number): Uint8Array[] {
    if (this.#writtenBytes > 0) return [this.#appends[0]!.bytes.subarray(this.#writtenBytes)];
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (const append of this.#appends) {
      if (bytes >= enoughBytes || pieces.length === mostPieces) break;
      pieces.push(append.bytes);
      bytes += append.bytes.length;
    }
    return pieces;
  }

  /** The current file accepted this many bytes of `next`, some of which may have been given up meanwhile. */
  wrote(bytes: number): void {
    this.#writtenBytes = Math.min(this.#writtenBytes + bytes, this.#unsafeBytes);
  }

  /** The current file keeps what it has: whole appends in it are safe. Returns their bytes. */
  settle(): number {
    let count = 0;
    let bytes = 0;
    for (const append of this.#appends) {
      if (bytes + append.bytes.length > this.#writtenBytes) break;
      bytes += append.bytes.length;
      count += 1;
    }
    this.#writtenBytes -= bytes;
    this.#unsafeBytes -= bytes;
    for (const append of this.#appends.splice(0, count)) append.resolve();
    this.#resolveDrained();
    return bytes;
  }

  /** The current file is lost, with everything it has of this queue: all of it is written again. */
  restart(): void {
    this.#writtenBytes = 0;
  }

  /** The current file keeps its whole lines and accepts no more: a line that it has in part is written again, whole. */
  restartLine(): number {
    const settled = this.settle();
    const first = this.#appends[0];
    if (first === undefined) return settled;
    const wholeLines = first.bytes.subarray(0, this.#writtenBytes).lastIndexOf(lineFeed) + 1;
    first.bytes = first.bytes.subarray(wholeLines);
    this.#unsafeBytes -= wholeLines;
    this.#writtenBytes = 0;
    return settled + wholeLines;
  }

  /** Gives up what is not safe. */
  rejectAll(error: Error): void {
    this.#unsafeBytes = 0;
    this.#writtenBytes = 0;
    for (const append of this.#appends.splice(0)) append.reject(error);
    this.#resolveDrained();
  }

  #resolveDrained(): void {
    if (this.isEmpty) for (const resolve of this.#emptied.splice(0)) resolve();
  }
}
