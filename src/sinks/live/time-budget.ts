import { performance } from "node:perf_hooks";

/** Share of the time that viewers may take while the event loop is busy, and while it is idle. */
const busyPart = 0.015;
const sparePart = 0.1;
/** An event loop that is used for more than this share of the time is busy. */
const busyFrom = 0.7;
/** Unused time is kept, up to this many milliseconds, because nodes send in bursts. */
const mostCreditMs = 50;

export interface TimeBudgetOptions {
  /** Milliseconds that never go backwards. @default performance.now */
  readonly now?: () => number;
  /** Share of the time since the last call in which the event loop was used, 0 to 1. @default the process's own */
  readonly utilization?: () => number;
}

/** How much time viewers may take from the pipeline: a small share while the event loop is busy, more while it is idle. */
export class TimeBudget {
  readonly now: () => number;
  readonly #utilization: () => number;
  #part = sparePart;
  #creditMs = mostCreditMs;
  #countedAt: number;

  constructor(options: TimeBudgetOptions = {}) {
    this.now = options.now ?? (() => performance.now());
    this.#utilization = options.utilization ?? utilizationSinceLast();
    this.#countedAt = this.now();
  }

  /** Checks how busy the event loop is; called some times a second. */
  look(): void {
    this.#part = this.#utilization() > busyFrom ? busyPart : sparePart;
  }

  /** Milliseconds that may be used now. */
  get creditMs(): number {
    const now = this.now();
    const grown = this.#creditMs + (now - this.#countedAt) * this.#part;
    this.#creditMs = Math.min(grown, mostCreditMs);
    this.#countedAt = now;
    return this.#creditMs;
  }

  /**
   * May go below 0; the debt is paid back later. No single filter takes as long as the greatest debt: what took longer is the
   * doing of other programs, which had the processor meanwhile.
   */
  take(milliseconds: number): void {
    this.#creditMs = Math.max(this.#creditMs - milliseconds, -mostCreditMs);
  }
}

function utilizationSinceLast(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
