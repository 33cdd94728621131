import type { Forwarder } from "../forwarder/library/entry.js";

/** How often it is looked whether a tracer has taken what waits, in milliseconds. */
const lookMs = 5;
/** A tracer that accepts nothing for this long is not waited for, until it accepts something again. */
const stallMs = 1_000;

export interface PatienceOptions {
  readonly forwarder: Pick<Forwarder, "stats">;
  /** Messages that may wait for the tracer before the program's lines do. */
  readonly most: number;
}

/**
 * Lets the lines of a program wait for a tracer that takes what it can, so that a burst is not dropped; one that is away or stalls is
 * waited for once and for a moment only, and then the forwarder's queue drops the oldest.
 */
export class Patience {
  readonly #options: PatienceOptions;
  /** Messages sent when the tracer was last given up. */
  #stalledAt: number | undefined;
  /** Messages that waited at the last look, and those that came since: there are no more now. */
  #seen = 0;
  #unseen = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Called after each message: what the next ones should wait for, if anything. */
  relief(): Promise<void> | undefined {
    this.#unseen += 1;
    const { forwarder, most } = this.#options;
    if (this.#seen + this.#unseen < most) return undefined;
    const { queued, sent } = forwarder.stats();
    this.#seen = queued;
    this.#unseen = 0;
    return queued >= most && sent !== this.#stalledAt ? this.#halfEmpty() : undefined;
  }

  /** Resolves when half of the room is free, or the tracer stalls. */
  async #halfEmpty(): Promise<void> {
    const { forwarder, most } = this.#options;
    let { sent: sentBefore } = forwarder.stats();
    let since = performance.now();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      const { queued, sent } = forwarder.stats();
      this.#seen = queued;
      if (queued <= most / 2) return;
      if (sent !== sentBefore) {
        sentBefore = sent;
        since = performance.now();
      } else if (performance.now() - since >= stallMs) {
        this.#stalledAt = sent;
        return;
      }
    }
  }

  /** Resolves when the tracer has taken all that waits, or after this many milliseconds. */
  async flushed(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (this.#options.forwarder.stats().queued > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
