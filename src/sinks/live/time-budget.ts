import { performance } from "node:perf_hooks";

/** Part of the time that viewers may take while the event loop is busy, and while it has time to spare. */
const busyPart = 0.015;
const sparePart = 0.05;
/** An event loop that is used for more than this part of the time is busy. */
const busyFrom = 0.4;
/** What is not used is kept, up to this many milliseconds: nodes send in bursts. */
const mostCreditMs = 50;

export interface TimeBudgetOptions {
  /** Milliseconds that never go backwards. @default performance.now */
  readonly now?: () => number;
  /** Part of the time since the last call in which the event loop was used, 0 to 1. @default the process' own */
  readonly utilization?: () => number;
}

/** How much time viewers may take from the street: a small part of it while the street needs it, more while it rests. */
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

  /** Looks at how busy the street is; some times a second. */
  look(): void {
    this.#part = this.#utilization() > busyFrom ? busyPart : sparePart;
  }

  /** Milliseconds that may be taken now. */
  get creditMs(): number {
    const now = this.now();
    const grown = this.#creditMs + (now - this.#countedAt) * this.#part;
    this.#creditMs = Math.min(grown, mostCreditMs);
    this.#countedAt = now;
    return this.#creditMs;
  }

  /** May go below 0; that is made up for. */
  take(milliseconds: number): void {
    this.#creditMs -= milliseconds;
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
