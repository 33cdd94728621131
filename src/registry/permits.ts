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

  /** Requests without a handle yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async take(): Promise<void> {
    if (this.#taken < this.limit) {
      this.#taken += 1;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
