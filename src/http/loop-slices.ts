/** Longest work in one turn of the event loop, in milliseconds; traces flow on the same loop. */
export const sliceMs = 5;
/**
 * Turns of the event loop between two slices. Each turn accepts one client or node: if thousands connected during long work,
 * each would otherwise have to wait for a slice. Turns without work take some microseconds.
 */
const turnsBetween = 16;

interface Work {
  readonly begin: () => void;
  /** Whether the task gets the rest of the slice. */
  readonly isLong: boolean;
}

/**
 * Cuts the long work of the whole process into slices, with some turns of the event loop between them: however many do such work
 * at the same time, sockets and timers wait for only one slice. The task that has waited longest comes next.
 */
class LoopSlices {
  readonly #waiting: Work[] = [];
  /** Whether a slice is scheduled, or one has just ended. */
  #isBusy = false;

  /** Runs a short task in one of the next slices, together with others. */
  run(work: () => void): void {
    this.#add({ begin: work, isLong: false });
  }

  /** Resolves when the caller alone has a slice and may work for `sliceMs`. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#add({ begin: resolve, isLong: true }));
  }

  #add(work: Work): void {
    this.#waiting.push(work);
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(this.#runSlice);
  }

  readonly #runSlice = (): void => {
    const end = performance.now() + sliceMs;
    // A task that adds itself again waits for the next slice.
    for (let left = this.#waiting.length; left > 0; left -= 1) {
      const { begin, isLong } = this.#waiting.shift()!;
      begin();
      if (isLong || performance.now() >= end) break;
    }
    this.#rest(turnsBetween);
  };

  /** Pauses for these turns before the next slice. */
  #rest(turns: number): void {
    setImmediate(() => {
      if (turns > 1) this.#rest(turns - 1);
      else if (this.#waiting.length > 0) this.#runSlice();
      else this.#isBusy = false;
    });
  }
}

/** Shared by everything, because there is one event loop. */
export const loopSlices = new LoopSlices();
