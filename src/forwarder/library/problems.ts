/** A problem that a program should know about; the forwarder never throws. */
export interface ForwarderProblem {
  readonly code: /** The tracer cannot be reached, refused us, or broke the protocol; connecting is retried. */
    | "connection"
    /** The queue was full, and the oldest messages were dropped; or a message is larger than the whole queue. */
    | "dropped"
    /** Something cannot be sent: data that is not JSON, a metric that is not a number. */
    | "unusable";
  /** A description for people. */
  readonly message: string;
}

/** Shortest time between reports of the same code, in milliseconds. */
const pauseMs = 60_000;

/** Reports problems to the program: each code once a minute at most, without ever throwing. */
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
      // An error in the program's own problem handler must not end it because of its traces.
    }
  }
}
