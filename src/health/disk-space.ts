import { statfs } from "node:fs/promises";

/** Free space on the file system of a directory, without the superuser's reserve. */
export interface DiskReading {
  readonly sizeBytes: number;
  readonly availableBytes: number;
  /** Files that can still be created; undefined if the file system has no such limit. */
  readonly availableFiles: number | undefined;
}

export interface DiskSpaceOptions {
  /** Absolute. */
  readonly path: string;
  /** Pause between an answer and the next question, in milliseconds. @default 2_000 */
  readonly pauseMs?: number;
  /** @default the kernel's statfs */
  readonly measure?: (path: string) => Promise<DiskReading>;
}

/**
 * Asks regularly how much space a directory's file system has left. A question to a dead disk may never be
 * answered and keeps a thread of libuv's pool: so there is only one at a time, and callers read the last answer.
 */
export class DiskSpace {
  readonly path: string;
  readonly #measure: (path: string) => Promise<DiskReading>;
  readonly #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;
  #reading: DiskReading | undefined;
  #error: NodeJS.ErrnoException | undefined;
  #askedAt: number | undefined;
  #stopped = false;

  constructor(options: DiskSpaceOptions) {
    this.path = options.path;
    this.#pauseMs = options.pauseMs ?? 2_000;
    this.#measure = options.measure ?? measure;
    void this.#ask();
  }

  /** The last answer; undefined before the first, and if the last question failed. */
  get reading(): DiskReading | undefined {
    return this.#reading;
  }

  /** Why the last question failed. */
  get error(): NodeJS.ErrnoException | undefined {
    return this.#error;
  }

  /** How long a question has been waiting for its answer, in milliseconds; 0 if none is. */
  get waitingMs(): number {
    return this.#askedAt === undefined ? 0 : performance.now() - this.#askedAt;
  }

  /** Stops asking; a question that hangs is left to the kernel. Idempotent. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now();
    try {
      this.#reading = await this.#measure(this.path);
      this.#error = undefined;
    } catch (error) {
      this.#reading = undefined;
      this.#error = error as NodeJS.ErrnoException;
    }
    this.#askedAt = undefined;
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#ask(), this.#pauseMs);
    this.#timer.unref();
  }
}

async function measure(path: string): Promise<DiskReading> {
  const { bsize, blocks, bavail, bfree, files, ffree } = await statfs(path);
  const available = process.geteuid?.() === 0 ? bfree : bavail;
  return {
    sizeBytes: blocks * bsize,
    availableBytes: available * bsize,
    availableFiles: files > 0 ? ffree : undefined,
  };
}
