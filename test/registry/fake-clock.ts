import type { Clock } from "../../src/registry/clock.js";

interface Timer {
  at: number;
  readonly everyMs: number | undefined;
  readonly action: () => void;
}

/** A clock that stands still until a test makes time pass. */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;
  readonly #timers = new Set<Timer>();

  constructor(startsAt = "2026-02-16T09:30:01.000Z") {
    this.#now = Date.parse(startsAt);
  }

  now = (): number => this.#now;
  monotonic = (): number => this.#monotonic;

  after = (milliseconds: number, action: () => void): (() => void) =>
    this.#add(milliseconds, undefined, action);
  every = (milliseconds: number, action: () => void): (() => void) =>
    this.#add(milliseconds, milliseconds, action);

  /** Milliseconds until each timer that fires once, soonest first. */
  get pauses(): number[] {
    return [...this.#timers]
      .filter(({ everyMs }) => everyMs === undefined)
      .map(({ at }) => at - this.#monotonic)
      .sort((a, b) => a - b);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, with every timer that is due on the way. */
  advance(milliseconds: number): void {
    const end = this.#monotonic + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#pass(next.at - this.#monotonic);
      if (next.everyMs === undefined) this.#timers.delete(next);
      else next.at += next.everyMs;
      next.action();
    }
    this.#pass(end - this.#monotonic);
  }

  /** The computer's clock is set. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }

  #pass(milliseconds: number): void {
    this.#monotonic += milliseconds;
    this.#now += milliseconds;
  }

  #add(milliseconds: number, everyMs: number | undefined, action: () => void): () => void {
    const timer: Timer = { at: this.#monotonic + milliseconds, everyMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
}

/** A clock on which every pause is over at once. */
export class HastyClock implements Clock {
  #now = Date.parse("2026-02-16T09:30:01.000Z");
  #monotonic = 0;

  now = (): number => this.#now;
  monotonic = (): number => this.#monotonic;
  after = (milliseconds: number, action: () => void): (() => void) => {
    const immediate = setImmediate(() => {
      this.advance(milliseconds);
      action();
    });
    return () => clearImmediate(immediate);
  };
  every = (): (() => void) => () => {};

  advance(milliseconds: number): void {
    this.#monotonic += milliseconds;
    this.#now += milliseconds;
  }

  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
