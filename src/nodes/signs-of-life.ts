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

  /** Whoever waits is told; costs next to nothing where nobody does. */
  tell(isAlive: boolean): void {
    if (this.#waiting.size === 0) return;
    for (const settle of [...this.#waiting]) settle(isAlive);
  }
}
