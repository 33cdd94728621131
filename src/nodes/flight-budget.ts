/** Received bytes a node may always have unwritten: about one read from its socket. */
const leastPerNodeBytes = 64 * 1_024;
/** Received bytes of one node beyond which nothing is gained by reading on. */
const mostPerNodeBytes = 1_024 * 1_024;

/**
 * Bytes asked for or received and not yet safe, of all nodes together. Each node may always have one request;
 * what it asks ahead is reserved here first.
 */
export class FlightBudget {
  readonly #maxBytes: number;
  #nodes = 0;
  #reservedBytes = 0;
  #heldBytes = 0;

  constructor(options: { maxInFlightBytes: number }) {
    this.#maxBytes = options.maxInFlightBytes;
  }

  join(): void {
    this.#nodes += 1;
  }

  leave(): void {
    this.#nodes -= 1;
  }

  /** Whether `bytes` more may be asked ahead. */
  allows(bytes: number): boolean {
    return this.#reservedBytes + this.#heldBytes + bytes <= this.#maxBytes;
  }

  /** A node's reservation changes by this much. */
  reserve(deltaBytes: number): void {
    this.#reservedBytes += deltaBytes;
  }

  /** Received bytes that wait to become safe change by this much. */
  hold(deltaBytes: number): void {
    this.#heldBytes += deltaBytes;
  }

  /** Unwritten bytes of one node beyond which its socket is not read: the same for each, whoever asks first. */
  get perNodeBytes(): number {
    const share = Math.floor(this.#maxBytes / Math.max(1, this.#nodes));
    return Math.max(leastPerNodeBytes, Math.min(mostPerNodeBytes, share));
  }

  get reading(): { readonly reservedBytes: number; readonly heldBytes: number } {
    return { reservedBytes: this.#reservedBytes, heldBytes: this.#heldBytes };
  }
}
