/** The batches that a sink was given and has not settled, and when it last stored one safely. */
export class WritesUnderWay {
  readonly #begun = new Map<number, number>();
  #lastTicket = 0;
  #lastSuccessAt: number | undefined;

  /** A batch is handed to the sink. Returns the ticket for `end`. */
  begin(): number {
    this.#lastTicket += 1;
    this.#begun.set(this.#lastTicket, performance.now());
    return this.#lastTicket;
  }

  /** The batch is safe, or (`isSafe` false) never will be. */
  end(ticket: number, isSafe: boolean): void {
    this.#begun.delete(ticket);
    if (isSafe) this.#lastSuccessAt = Date.now();
  }

  /** How long the oldest of them has been waiting, in milliseconds; 0 if there is none. */
  get oldestMs(): number {
    // A map keeps the order of insertion, so the first is the oldest.
    for (const begunAt of this.#begun.values()) return performance.now() - begunAt;
    return 0;
  }

  /** Milliseconds since 1970. */
  get lastSuccessAt(): number | undefined {
    return this.#lastSuccessAt;
  }
}
