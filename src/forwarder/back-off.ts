/** Pauses between attempts to connect, in milliseconds: the first, and the longest. */
export interface BackOffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * The same pauses as real nodes: each twice the one before, up to the longest. Only a connection that lasted at least as
 * long as the longest pause resets them: if connections keep being refused, attempts become less and less frequent.
 */
export class BackOff {
  readonly #limits: BackOffLimits;
  #nextMs: number;

  constructor(limits: BackOffLimits) {
    this.#limits = limits;
    this.#nextMs = limits.initialMs;
  }

  /** The pause after an attempt whose connection lasted this many milliseconds; 0 if there was none. */
  after(lastedMs: number): number {
    const { initialMs, maxMs } = this.#limits;
    if (lastedMs >= maxMs) this.#nextMs = initialMs;
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(maxMs, 2 * pauseMs);
    return pauseMs;
  }
}
