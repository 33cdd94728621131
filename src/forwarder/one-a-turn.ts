/** Does one task in each turn of the event loop, the first at once: a peer may ask for a thousand things in one piece. */
export class OneATurn {
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #isTurnUsed = false;

  constructor(mostWaiting: number) {
    this.#mostWaiting = mostWaiting;
  }

  /** False if too many wait already. */
  run(task: () => void): boolean {
    if (this.#waiting.length >= this.#mostWaiting) return false;
    this.#waiting.push(task);
    if (!this.#isTurnUsed) this.#next();
    return true;
  }

  #next(): void {
    const task = this.#waiting.shift();
    this.#isTurnUsed = task !== undefined;
    if (task === undefined) return;
    setImmediate(() => this.#next());
    task();
  }
}
