/** Waits for a peer to give a sign of life: any byte is one. */
export class SignsOfLife {
  readonly #waiting = new Set<(isAlive: boolean) => void>();

  /** Resolves with whether there was one within `timeoutMs`. */
  async within(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isAlive: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(isAlive);
      };
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#waiting.add(settle);
    });
  }

  /** Resolves the waits; costs next to nothing if there are none. */
  tell(isAlive: boolean): void {
    if (this.#waiting.size === 0) return;
    for (const settle of [...this.#waiting]) settle(isAlive);
  }
}
