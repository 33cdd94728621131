/** Starts tasks in order, a few in each turn of the event loop, so that many at once delay nothing else. */
export class FewInTurn {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  constructor(most: number) {
    this.#most = most;
  }

  add(begin: () => void): void {
    this.#waiting.push(begin);
    this.#schedule();
  }

  /** Resolves when the caller may begin. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.add(resolve));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (const begin of this.#waiting.splice(0, this.#most)) begin();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}
