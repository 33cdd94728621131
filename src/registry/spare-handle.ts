import { close, open } from "node:fs";

/**
 * One open file kept in reserve: when the process may open no more, a log still needs two for a moment, its
 * directory and its file, and may find only one other that is idle.
 */
export class SpareHandle {
  #fd: number | undefined;
  #isOpening = false;
  #isWanted = false;

  /** Keeps one from now on, if there is one. */
  keep(): void {
    this.#isWanted = true;
    if (this.#fd !== undefined || this.#isOpening) return;
    this.#isOpening = true;
    open("/dev/null", "r", (error, fd) => {
      this.#isOpening = false;
      if (error !== null) return;
      this.#fd = fd;
      if (!this.#isWanted) this.release();
    });
  }

  release(): void {
    this.#isWanted = false;
    if (this.#fd === undefined) return;
    close(this.#fd, () => {});
    this.#fd = undefined;
  }
}
