/** A number of permits, given out in the order in which they are asked for. */
export class Permits {
  readonly limit: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Requests that still wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes one that is free; false if there is none. */
  takeNow(): boolean {
    if (this.#taken === this.limit) return false;
    this.#taken += 1;
    return true;
  }

  /** Resolves when one is taken. */
  async take(): Promise<void> {
    if (!this.takeNow()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
