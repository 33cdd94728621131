/** Lines of one kind in a minute; more are left out and counted. */
const most = 20;
const periodMs = 60_000;

/** Lines that whoever may connect can cause as often as he likes. */
export class FewLines {
  readonly #now: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #written = 0;
  #leftOut = 0;

  /** `now` in milliseconds, from any beginning. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Writes a line, or leaves it out. `before` says in the line how many were left out before it; empty if none was. */
  say(write: (before: string) => void): void {
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
