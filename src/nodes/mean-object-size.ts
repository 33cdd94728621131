/** Assumed before the first object, in bytes. */
const assumedBytes = 1_024;
/** Weight of the past, in objects. */
const recentObjects = 1_000;

/**
 * Mean size of a node's recent trace objects, to estimate what a request will bring. Objects count, not
 * batches: a first batch of a hundred says almost all there is to say.
 */
export class MeanObjectSize {
  #bytes = assumedBytes;
  /** The assumed size weighs as much as one object. */
  #objects = 1;

  add(objects: number, bytes: number): void {
    this.#bytes = (this.#bytes * this.#objects + bytes) / (this.#objects + objects);
    this.#objects = Math.min(this.#objects + objects, recentObjects);
  }

  get bytes(): number {
    return this.#bytes;
  }
}
