/** Runs one task per turn of the event loop, the first at once: a single chunk from a peer may hold a thousand requests. */
export class OnePerTurn {
  readonly #maxQueued: number;
  readonly #waiting: (() => void)[] = [];
  #isTurnUsed = false;

  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued;
  }

  /** False if too many are queued already. */
  run(task: () => void): boolean {
    if (this.#waiting.length >= this.#maxQueued) return false;
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
