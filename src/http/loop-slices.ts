/** Longest work in one turn of the event loop, in milliseconds; traces flow on the same loop. */
export const sliceMs = 5;

interface Work {
  readonly begin: () => void;
  /** Whether it takes the rest of the slice. */
  readonly isLong: boolean;
}

/**
 * Cuts the long work of the whole process into slices, of which one runs in each turn of the event loop: however many
 * do such work at the same time, sockets and timers wait for one slice only. The one that waits longest comes next.
 */
class LoopSlices {
  readonly #waiting: Work[] = [];

  /** Does something short in one of the next slices, together with others. */
  run(work: () => void): void {
    this.#add({ begin: work, isLong: false });
  }

  /** Resolves when a slice is the caller's alone, who may work for `sliceMs`. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#add({ begin: resolve, isLong: true }));
  }

  #add(work: Work): void {
    this.#waiting.push(work);
    if (this.#waiting.length === 1) setImmediate(this.#runSlice);
  }

  readonly #runSlice = (): void => {
    const end = performance.now() + sliceMs;
    // One that adds itself again waits for the next slice.
    for (let left = this.#waiting.length; left > 0; left -= 1) {
      const { begin, isLong } = this.#waiting[0]!;
      begin();
      this.#waiting.shift();
      if (isLong || performance.now() >= end) break;
    }
    if (this.#waiting.length > 0) setImmediate(this.#runSlice);
  };
}

/** There is one event loop, so all share these. */
export const loopSlices = new LoopSlices();
