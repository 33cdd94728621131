import { readdir } from "node:fs/promises";
import type { ProcessReading } from "./process.js";

/** What the daemon uses, as facts of a log line. Times are in seconds since the start. */
export interface Resources {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  readonly gcPauses: number;
  readonly gcSeconds: number;
  /** Files and sockets open when last counted; undefined if the system does not say. */
  readonly openFiles: number | undefined;
}

export interface ResourceTraceOptions {
  readonly everyMs: number;
  readonly read: () => ProcessReading;
  readonly trace: (resources: Resources) => void;
  /** @default the entries of `/proc/self/fd` */
  readonly countFiles?: () => Promise<number>;
}

/** Logs the daemon's own use of resources at an interval (`resourceFreq`). */
export class ResourceTrace {
  readonly #options: ResourceTraceOptions;
  readonly #timer: NodeJS.Timeout;
  #openFiles: number | undefined;
  #counting: Promise<void> | undefined;

  constructor(options: ResourceTraceOptions) {
    this.#options = options;
    this.#countFiles();
    this.#timer = setInterval(() => this.#trace(), options.everyMs);
    this.#timer.unref();
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #trace(): void {
    const { userSeconds, systemSeconds, garbage, lag: _, ...sizes } = this.#options.read();
    let gcPauses = 0;
    let gcSeconds = 0;
    for (const { count, seconds } of garbage.values()) {
      gcPauses += count;
      gcSeconds += seconds;
    }
    const cpuSeconds = userSeconds + systemSeconds;
    this.#options.trace({ cpuSeconds, ...sizes, gcPauses, gcSeconds, openFiles: this.#openFiles });
    this.#countFiles();
  }

  /** Runs independently, one count at a time: it waits for a thread of libuv's pool, and a dead disk may hold all of them. */
  #countFiles(): void {
    this.#counting ??= (this.#options.countFiles ?? countOpenFiles)()
      .then(
        (count) => {
          this.#openFiles = count;
        },
        () => {
          this.#openFiles = undefined;
        },
      )
      .finally(() => {
        this.#counting = undefined;
      });
  }
}

async function countOpenFiles(): Promise<number> {
  // One of them is the directory that is being read.
  return (await readdir("/proc/self/fd")).length - 1;
}
