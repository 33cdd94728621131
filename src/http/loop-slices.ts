/** Longest work between two calls of `turn`, in milliseconds; traces flow on the same event loop. */
export const sliceMs = 5;

/**
 * Cuts long work of the whole process into slices, of which one runs in each turn of the event loop: however many do
 * such work at the same time, sockets and timers wait for one slice only. Whoever waits longest has the next turn.
 */
class LoopSlices {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the next slice is the caller's. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#run);
    });
  }

  readonly #run = (): void => {
    this.#waiting.shift()!();
    if (this.#waiting.length > 0) setImmediate(this.#run);
  };
}

/** There is one event loop, so all share these. */
export const loopSlices = new LoopSlices();
