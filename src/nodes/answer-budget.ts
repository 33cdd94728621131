/**
 * Memory for the answers of all nodes together: kept metrics and unfinished answers. Half of it
 * is first come, first served, the other half in equal shares for each: so a few that send much leave room for the
 * others.
 */
export class AnswerBudget {
  readonly #maxBytes: number;
  #shares = 0;
  #bytes = 0;

  constructor(options: { maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** A node's share; it must be released. */
  join(): AnswerShare {
    this.#shares += 1;
    return new AnswerShare(this);
  }

  /** Memory taken by all nodes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @internal */
  leave(bytes: number): void {
    this.#shares -= 1;
    this.#bytes -= bytes;
  }

  /** Takes `delta` more for a node that has `bytes`, or releases it if `delta` is negative. @internal */
  grow(bytes: number, deltaBytes: number): boolean {
    const half = this.#maxBytes / 2;
    const isAllowed =
      deltaBytes <= 0 || bytes + deltaBytes <= half / this.#shares || this.#bytes + deltaBytes <= half;
    if (isAllowed) this.#bytes += deltaBytes;
    return isAllowed;
  }
}

/** One node's share. */
export class AnswerShare {
  readonly #budget: AnswerBudget;
  #bytes = 0;
  #hasLeft = false;

  constructor(budget: AnswerBudget) {
    this.#budget = budget;
  }

  /** Takes or releases this many bytes; false if there is no room for them. */
  grow(deltaBytes: number): boolean {
    if (this.#hasLeft || !this.#budget.grow(this.#bytes, deltaBytes)) return false;
    this.#bytes += deltaBytes;
    return true;
  }

  /** Releases everything. Idempotent. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#budget.leave(this.#bytes);
  }
}
