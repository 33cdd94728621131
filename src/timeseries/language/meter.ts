import { loopSlices, sliceMs } from "../../http/loop-slices.js";
import { QueryError } from "./query-fault.js";

/** The clock is read after this much work: about a tenth of a millisecond. */
const workPerLook = 512;

export interface QueryLimits {
  readonly timeoutMs: number;
  /** Most bytes that a query may hold at the same time; the answer counts. */
  readonly maxBytes: number;
  /** Ends all queries. */
  readonly stopping?: AbortSignal;
  /** Ends this query: nobody waits for its answer any more. */
  readonly gone?: AbortSignal | undefined;
}

/** The time and memory that a query may still use. */
export class Meter {
  readonly #limits: QueryLimits;
  readonly #deadline: number;
  #sliceEnd = 0;
  #work = 0;
  /** Stays true until the next slice begins, because not all work can pause where it is counted. */
  #isSliceOver = false;
  /** Bytes that the query holds; may be reset to an earlier figure if everything since is garbage. */
  bytes = 0;

  constructor(limits: QueryLimits) {
    this.#limits = limits;
    this.#deadline = performance.now() + limits.timeoutMs;
    this.beginSlice();
  }

  /** Whether to give way to other work now; `work` is in units of about a fifth of a microsecond. */
  isDue(work = 1): boolean {
    this.#work += work;
    if (this.#work >= workPerLook) this.#look();
    return this.#isSliceOver;
  }

  #look(): void {
    this.#work = 0;
    if (this.#limits.stopping?.aborted) throw new QueryError({ code: "stopped" });
    if (this.#limits.gone?.aborted) throw new QueryError({ code: "gone" });
    const now = performance.now();
    if (now > this.#deadline) {
      throw new QueryError({ code: "too-slow", limitMs: this.#limits.timeoutMs });
    }
    this.#isSliceOver = now >= this.#sliceEnd;
  }

  /** @throws QueryError */
  charge(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.#limits.maxBytes) {
      throw new QueryError({ code: "too-big", limitBytes: this.#limits.maxBytes });
    }
  }

  beginSlice(): void {
    this.#sliceEnd = performance.now() + sliceMs;
    this.#isSliceOver = false;
  }
}

/** Runs work that pauses when the meter says so, to give way to other work on the event loop. */
export async function runSliced<Result>(work: Generator<void, Result>, meter: Meter): Promise<Result> {
  for (;;) {
    await loopSlices.turn();
    meter.beginSlice();
    const next = work.next();
    if (next.done) return next.value;
  }
}
