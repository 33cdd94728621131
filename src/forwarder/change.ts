/** Lets others wait for a change: each change wakes all who wait for the next one. */
export class Change {
  #wakers: (() => void)[] = [];

  /** Wakes all who wait. */
  notify(): void {
    if (this.#wakers.length === 0) return;
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Resolves at the next change, or when `signal` is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done);
      this.#wakers.push(done);
    });
  }
}
