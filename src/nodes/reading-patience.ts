/** A stalled disk holds others up for this long at least, and at most where all disks are slow. */
const leastMs = 25;
const mostMs = 250;
/** This many times what a batch usually takes. */
const usualTimes = 4;
/** By so much of itself the usual time moves with each batch: what moved it up last moves it down soon. */
const step = 1 / 16;

/**
 * How long batches on their way are waited for. Where the processor is busy or files are being made, all of them take
 * long, and reading on would only fill memory; a stalled disk never lets one end, so it makes no other wait longer.
 */
export class ReadingPatience {
  /** About half of the batches take less: few slow ones do not move it, however slow. Files are made at first. */
  #usualMs = mostMs / usualTimes;

  /** A batch has ended after this long. */
  ended(afterMs: number): void {
    const usualMs = this.#usualMs * (afterMs > this.#usualMs ? 1 + step : 1 - step);
    this.#usualMs = Math.min(mostMs / usualTimes, Math.max(leastMs / usualTimes, usualMs));
  }

  get milliseconds(): number {
    return usualTimes * this.#usualMs;
  }
}
