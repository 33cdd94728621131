/** Half-life of the remembered maximum. */
const halfLifeMs = 2_000;
/** Received objects are counted over at least this long, however short the round trip. */
const shortestWindowMs = 1;
/** Asked for beyond what the last round trips brought, to find a growing rate and absorb jitter. */
const headroom = 2;

export interface AskingDepthOptions {
  /** Trace objects per request. */
  readonly requestCount: number;
  /** Most outstanding requests; 1 is one request at a time. */
  readonly deepest: number;
}

/**
 * How many trace-object requests one node should have outstanding. A node that fills its replies is limited by
 * the link, not by itself: what arrived in one round trip says how many requests keep the link full. Replies that
 * are not full say little, because a blocking request is answered as soon as one object exists; so the depth
 * follows the recent maximum of objects per round trip, and falls back to 1 when nothing arrives.
 */
export class AskingDepth {
  readonly #options: AskingDepthOptions;
  #roundTripMs: number | undefined;
  #windowFrom = 0;
  #windowObjects = 0;
  /** Objects per round trip, decaying since `#windowFrom`. */
  #recentMost = 0;

  constructor(options: AskingDepthOptions) {
    this.#options = options;
  }

  /**
   * Takes the time between a request that is answered at once and its answer, and whether the connection was read
   * continuously: if it was not, the answer may have arrived long before.
   */
  roundTrip(sampleMs: number, wasReading = true): void {
    const known = this.#roundTripMs;
    // A busy peer answers late: shorter times are more accurate than longer ones.
    if (known === undefined || sampleMs < known) this.#roundTripMs = sampleMs;
    else if (wasReading) this.#roundTripMs = known + (sampleMs - known) / 8;
  }

  /** Takes the number of objects that have just arrived. */
  received(objects: number, nowMs: number): void {
    this.#windowObjects += objects;
    const roundTripMs = this.#roundTripMs;
    const elapsedMs = nowMs - this.#windowFrom;
    if (roundTripMs === undefined || elapsedMs < Math.max(roundTripMs, shortestWindowMs)) return;
    const perRoundTrip = (this.#windowObjects * roundTripMs) / elapsedMs;
    this.#recentMost = Math.max(perRoundTrip, this.#decayed(nowMs));
    this.#windowFrom = nowMs;
    this.#windowObjects = 0;
  }

  /** Requests to have outstanding now, from 1 to `deepest`. */
  current(nowMs: number): number {
    const { requestCount, deepest } = this.#options;
    return Math.min(deepest, 1 + Math.floor((headroom * this.#decayed(nowMs)) / requestCount));
  }

  #decayed(nowMs: number): number {
    return this.#recentMost * 0.5 ** ((nowMs - this.#windowFrom) / halfLifeMs);
  }
}
