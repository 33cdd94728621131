import { readAtMost } from "./links/shared-reads.js";

/** Bytes in transit between nodes and a tracer that reads too slowly, of all connections together. */
const mostBytes = 16 * 1_024 * 1_024;
/** Limits for one direction of one connection: more hardly makes a byte cheaper, less makes it expensive. */
const mostOfDirection = 64 * 1_024;
const leastOfDirection = 4 * 1_024;
/** A direction holds its limit and one more read. */
const shares = 4;

/**
 * Divides the memory for bytes in transit among connections. Up to 64 connections get as much as is useful; the more there
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
    // A power of two, so that it changes rarely.
    const bytes = 2 ** Math.floor(Math.log2(share));
    const next = Math.min(mostOfDirection, Math.max(leastOfDirection, bytes));
    if (next === this.#bytesOfDirection) return;
    this.#bytesOfDirection = next;
    readAtMost(next);
  }
}
