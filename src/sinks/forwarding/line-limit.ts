/** Most lines per minute; beyond it lines are left out and counted. */
const most = 20;
const periodMs = 60_000;

/** Limits log lines that a peer can cause as often as it likes. */
export class LineLimit {
  readonly #now: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #written = 0;
  #leftOut = 0;

  /** `now` in milliseconds since any moment. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Writes a line or leaves it out. `before`, for the line's end, says how many were left out before it; empty if none were. */
  log(write: (before: string) => void): void {
    const now = this.#now();
    if (now - this.#since >= periodMs) {
      this.#since = now;
      this.#written = 0;
    }
    if (this.#written >= most) {
      this.#leftOut += 1;
      return;
    }
    this.#written += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    write(leftOut === 0 ? "" : ` (${leftOut} like it before were left out)`);
  }
}
