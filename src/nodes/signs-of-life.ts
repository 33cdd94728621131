/** Waits for a sign of life from a peer: any byte. */
export class SignsOfLife {
  /** A thousand idle nodes wait for none: an empty set for each would take memory. */
  #waiting: Set<(isAlive: boolean) => void> | undefined;

  /** Resolves with whether there was one within `timeoutMs`. */
  async within(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isAlive: boolean) => {
        clearTimeout(timer);
        this.#waiting?.delete(settle);
        resolve(isAlive);
      };
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#waiting ??= new Set();
      this.#waiting.add(settle);
    });
  }

  /** Resolves the waits; costs next to nothing if there are none. */
  tell(isAlive: boolean): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const settle of waiting) settle(isAlive);
  }
}
