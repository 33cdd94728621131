import { type FileHandle, open } from "node:fs/promises";

/** Bytes for one file: one write at a time, of everything that waits. */
export class WaitingLines {
  readonly #path: string;
  readonly #handle: FileHandle | undefined;
  #waiting: { bytes: Uint8Array[]; written: Promise<void> } | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, handle: FileHandle | undefined) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Keeps the file open from now on. */
  static async keptOpen(path: string): Promise<WaitingLines> {
    return new WaitingLines(path, await open(path, "a"));
  }

  /** Opens the file for each write and closes it afterwards. */
  static reopened(path: string): WaitingLines {
    return new WaitingLines(path, undefined);
  }

  /** Resolves when the operating system has the bytes. */
  append(bytes: Uint8Array): Promise<void> {
    if (this.#waiting === undefined) {
      const waiting = { bytes: [] as Uint8Array[], written: this.#writing.then(() => this.#writeAll()) };
      this.#writing = waiting.written;
      this.#waiting = waiting;
    }
    this.#waiting.bytes.push(bytes);
    return this.#waiting.written;
  }

  async #writeAll(): Promise<void> {
    const { bytes } = this.#waiting!;
    this.#waiting = undefined;
    const handle = this.#handle ?? (await open(this.#path, "a"));
    if (bytes.length === 1) await handle.write(bytes[0]!);
    else await handle.writev(bytes);
    if (this.#handle === undefined) await handle.close();
  }
}
