import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A pipe whose reader reads only when told to. */
export class Pipe implements AsyncDisposable {
  /** The writing end; the caller closes it. */
  readonly writer: number;
  readonly #directory: string;
  #reader: number | undefined;

  private constructor(directory: string, file: string) {
    this.#directory = directory;
    this.#reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(file, constants.O_WRONLY);
  }

  static async open(): Promise<Pipe> {
    const directory = await mkdtemp(join(tmpdir(), "muninn-"));
    const file = join(directory, "pipe");
    execFileSync("mkfifo", [file]);
    return new Pipe(directory, file);
  }

  /** The contents of the pipe now, or nothing. */
  read(): string {
    const buffer = Buffer.alloc(1024 * 1024);
    try {
      return buffer.toString("utf8", 0, readSync(this.#reader!, buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
      throw error;
    }
  }

  /** Reads until `isDone` holds for everything read so far. */
  async readUntil(isDone: (text: string) => boolean): Promise<string> {
    let text = "";
    while (!isDone(text)) {
      text += this.read();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return text;
  }

  closeReader(): void {
    if (this.#reader !== undefined) closeSync(this.#reader);
    this.#reader = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeReader();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
