import { readAtMost } from "./links/shared-reads.js";

/** Bytes on their way from nodes to a tracer that reads too slowly, and back, of all connections together. */
const mostBytes = 16 * 1_024 * 1_024;
/** Of one direction of one connection: more at a time hardly makes a byte cheaper, less makes it dear. */
const mostOfDirection = 64 * 1_024;
const leastOfDirection = 4 * 1_024;
/** A direction holds what it may, and one read more. */
const shares = 4;

/**
 * Divides the memory for what is on its way among connections. Up to 64 connections have as much as is of use; the more there
 * are, the less is read of each at once, and the less waits for its other end.
 */
export class PassingRoom {
  #connections = 0;
  #bytesOfDirection = mostOfDirection;

  /** Bytes that may wait in one direction before nothing more is read for it. */
  get bytesOfDirection(): number {
    return this.#bytesOfDirection;
  }

  enter(): void {
    this.#connections += 1;
    this.#divide();
  }

  leave(): void {
    this.#connections -= 1;
    this.#divide();
  }

  #divide(): void {
    const share = mostBytes / shares / Math.max(1, this.#connections);
    // A power of two: so it changes seldom.
    const bytes = 2 ** Math.floor(Math.log2(share));
    const next = Math.min(mostOfDirection, Math.max(leastOfDirection, bytes));
    if (next === this.#bytesOfDirection) return;
    this.#bytesOfDirection = next;
    readAtMost(next);
  }
}
