import { close, open } from "node:fs";

/**
 * One open file kept in reserve: when the process may open no more, a log briefly needs two handles, for its directory and
 * its file, and may find only one other that is idle.
 */
export class SpareHandle {
  #fd: number | undefined;
  #isOpening = false;
  #isWanted = false;

  /** Keeps a handle in reserve from now on, if one can be opened. */
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
