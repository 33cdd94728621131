/** What a program should know of its forwarder, which never throws. */
export interface ForwarderProblem {
  readonly code: /** No tracer is reached, or it refused us, or broke the protocol; it is tried again. */
    | "connection"
    /** The queue was full, and the oldest messages gave way; or a message is larger than the whole queue. */
    | "dropped"
    /** What the program gave cannot be sent: data that is not JSON, a metric that is not a number. */
    | "unusable";
  /** In words, for people. */
  readonly message: string;
}

/** Problems of the same code are reported so often at most, in milliseconds. */
const pauseMs = 60_000;

/** Reports problems to the program: each code once a minute at most, and never so that something is thrown. */
export class Problems {
  readonly #report: ((problem: ForwarderProblem) => void) | undefined;
  readonly #now: () => number;
  readonly #reportedAt = new Map<ForwarderProblem["code"], number>();

  constructor(report: ((problem: ForwarderProblem) => void) | undefined, now: () => number) {
    this.#report = report;
    this.#now = now;
  }

  add(code: ForwarderProblem["code"], message: string): void {
    const now = this.#now();
    if (now - (this.#reportedAt.get(code) ?? Number.NEGATIVE_INFINITY) < pauseMs) return;
    this.#reportedAt.set(code, now);
    try {
      this.#report?.({ code, message });
    } catch {
      // A program that fails in its handler of problems must not be ended by its traces.
    }
  }
}
