/** Holds the parts of a payload that is not whole. */
export interface PartsHolder {
  /** All parts together take too much, and this payload's the most: they must be discarded, and are read again later. */
  evict(): void;
}

/** The memory of incomplete payloads of all readers together: a split object may never end. */
export class UnfinishedPayloads {
  /** One that takes more than this alone can never be held. */
  readonly mostBytes: number;
  readonly #holders = new Map<PartsHolder, number>();
  #bytes = 0;
  #evicted = 0;

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evicted(): number {
    return this.#evicted;
  }

  /** Sets the size of this one's parts. */
  set(holder: PartsHolder, bytes: number): void {
    const before = this.#holders.get(holder) ?? 0;
    this.#bytes += bytes - before;
    if (bytes === 0) this.#holders.delete(holder);
    else this.#holders.set(holder, bytes);
    if (bytes <= before || this.#bytes <= this.mostBytes) return;
    this.#evicted += 1;
    this.#largest().evict();
  }

  #largest(): PartsHolder {
    return [...this.#holders].reduce((one, other) => (other[1] > one[1] ? other : one))[0];
  }
}
