import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * How often the loop is checked; a lag may be measured too short by at most this much. Each check wakes the process, which
 * takes 45 to 100 µs of CPU time: at 100 ms that was 0.05 to 0.1 % of a core.
 */
const resolutionMs = 250;
/** Lags are those of the last window, however often they are read. */
const windowMs = 10_000;

/** How late timers fired, in seconds. */
export interface LagReading {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The part of perf_hooks' histogram that is used here; times in nanoseconds. */
export interface DelayHistogram {
  readonly max: number;
  percentile(percentile: number): number;
  reset(): void;
  enable(): void;
  disable(): void;
}

/** Watches how late the event loop is. */
export class EventLoopLag {
  readonly #histogram: DelayHistogram;
  readonly #timer: NodeJS.Timeout;
  #last: LagReading;

  constructor(histogram: DelayHistogram = monitorEventLoopDelay({ resolution: resolutionMs })) {
    this.#histogram = histogram;
    histogram.enable();
    this.#last = { p50: 0, p99: 0, max: 0 };
    this.#timer = setInterval(() => {
      this.#last = this.#current();
      histogram.reset();
    }, windowMs);
    this.#timer.unref();
  }

  /** The worse of the last whole 10 seconds and the current ones. */
  read(): LagReading {
    const current = this.#current();
    return {
      p50: Math.max(this.#last.p50, current.p50),
      p99: Math.max(this.#last.p99, current.p99),
      max: this.longest,
    };
  }

  /** The longest of them, in seconds, for frequent readers. */
  get longest(): number {
    return Math.max(this.#last.max, lateSeconds(this.#histogram.max));
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #current(): LagReading {
    const late = (percentile: number) => lateSeconds(this.#histogram.percentile(percentile));
    return { p50: late(50), p99: late(99), max: lateSeconds(this.#histogram.max) };
  }
}

/** The histogram has the times between two checks, which include the resolution. */
function lateSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
}
