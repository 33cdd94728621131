import { severities, type TraceBatch } from "../../protocol/trace-batch.js";

/** Length of a step, in milliseconds, and how many are kept: five minutes. */
const stepMs = 5_000;
const steps = 60;

/** How many objects of each severity a node has sent in the last minutes. */
export class NodePulse {
  /** One row of eight counts for each step; the row of a step is at its number modulo `steps`. */
  readonly #counts = new Uint32Array(steps * severities.length);
  /** Those of the last batch. */
  readonly #ofBatch = new Uint32Array(severities.length);
  readonly #begunAt: number;
  #step: number;
  #total = 0;
  /** Milliseconds since 1970; undefined if nothing came yet. */
  lastAt: number | undefined;

  constructor(now: number) {
    this.#begunAt = now;
    this.#step = Math.floor(now / stepMs);
  }

  /** Returns how many objects of each severity the batch has; valid until the next one. */
  count(batch: TraceBatch, now: number): Uint32Array {
    this.#goTo(now);
    const counts = this.#ofBatch.fill(0);
    batch.countSeverities(counts, 0);
    const row = (this.#step % steps) * severities.length;
    for (let index = 0; index < severities.length; index += 1) this.#counts[row + index]! += counts[index]!;
    this.#total += batch.length;
    this.lastAt = now;
    return counts;
  }

  /** Objects since the beginning. */
  get total(): number {
    return this.#total;
  }

  /** Objects per second, over the last 5 to 10 seconds. */
  rate(now: number): number {
    this.#goTo(now);
    const begin = Math.max((this.#step - 1) * stepMs, this.#begunAt);
    const objects = this.#sumOf(this.#step) + this.#sumOf(this.#step - 1);
    // In the very first second that would be a guess.
    return objects / (Math.max(1_000, now - begin) / 1_000);
  }

  /** By severity, in the order of `severities`, of the last five minutes. */
  bySeverity(now: number): number[] {
    this.#goTo(now);
    const sums = severities.map(() => 0);
    for (const [index, count] of this.#counts.entries()) sums[index % severities.length]! += count;
    return sums;
  }

  #sumOf(step: number): number {
    const row = (((step % steps) + steps) % steps) * severities.length;
    let sum = 0;
    for (let index = 0; index < severities.length; index += 1) sum += this.#counts[row + index]!;
    return sum;
  }

  /** Clears the steps that have begun since. If the clock was set back, the current step continues. */
  #goTo(now: number): void {
    const step = Math.floor(now / stepMs);
    if (step <= this.#step) return;
    const gone = Math.min(steps, step - this.#step);
    for (let next = step - gone + 1; next <= step; next += 1) {
      const row = (next % steps) * severities.length;
      this.#counts.fill(0, row, row + severities.length);
    }
    this.#step = step;
  }
}
