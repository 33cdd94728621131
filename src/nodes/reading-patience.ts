/** A stalled disk delays others for at least `leastMs`, and for at most `mostMs` if all disks are slow. */
const leastMs = 25;
const mostMs = 250;
/** How many times the usual time of a batch. */
const usualTimes = 4;
/** The share by which the usual time moves with each batch: a move up is soon followed by one down. */
const step = 1 / 16;

/**
 * How long to wait for batches on their way. When the processor is busy or files are being created, all of them take
 * long, and reading on would only fill memory; a stalled disk never lets one end, so it makes no other wait longer.
 */
export class ReadingPatience {
  /** About half of the batches take less: few slow ones do not move it, however slow. Files are created at first. */
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
