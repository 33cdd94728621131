import koffi from "koffi";

const clockThreadCpu = 3;

/**
 * The longest turn of the event loop in processor time of its thread: on a shared machine, wall-clock time mostly measures
 * the other programs.
 */
export class LongestTurn {
  readonly #readClock = koffi.load(null).func("clock_gettime", "int", ["int", "void *"]);
  readonly #time = Buffer.alloc(16);
  #longestMs = 0;
  #lastMs = 0;
  #isOver = false;

  /** Measures until `end`; the loop does not rest in between. */
  begin(): void {
    this.#lastMs = this.#now();
    const turn = () => {
      const now = this.#now();
      this.#longestMs = Math.max(this.#longestMs, now - this.#lastMs);
      this.#lastMs = now;
      if (!this.#isOver) setImmediate(turn);
    };
    setImmediate(turn);
  }

  /** In milliseconds. */
  async end(): Promise<number> {
    this.#isOver = true;
    await new Promise((resolve) => setImmediate(resolve));
    return this.#longestMs;
  }

  #now(): number {
    this.#readClock(clockThreadCpu, this.#time);
    return Number(this.#time.readBigInt64LE(0)) * 1e3 + Number(this.#time.readBigInt64LE(8)) / 1e6;
  }
}
