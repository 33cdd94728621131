import { type FileHandle, open } from "node:fs/promises";

/** The file handle methods that a recording needs. */
export type PartHandle = Pick<FileHandle, "write" | "close">;
export type OpenPart = (path: string) => Promise<PartHandle>;

/** One file of a recording: only ever appended to. */
export class PartFile {
  readonly path: string;
  readonly #handle: PartHandle;
  #size = 0;
  /** How many of the bytes being appended are written. */
  #progress = 0;

  private constructor(path: string, handle: PartHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @throws what the file system throws; `EEXIST` if the file exists */
  static async create(path: string, openPart: OpenPart): Promise<PartFile> {
    return new PartFile(path, await openPart(path));
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Appends all bytes. After it has thrown, calling it again with the same bytes continues where it stopped.
   * @throws what the file system throws
   */
  async append(bytes: Uint8Array): Promise<void> {
    while (this.#progress < bytes.length) {
      const rest = bytes.length - this.#progress;
      const { bytesWritten } = await this.#handle.write(bytes, this.#progress, rest, this.#size);
      this.#progress += bytesWritten;
      this.#size += bytesWritten;
    }
    this.#progress = 0;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Creates the file; an existing one is never touched. */
export async function createPart(path: string): Promise<PartHandle> {
  return await open(path, "wx");
}
