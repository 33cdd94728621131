/** Requests begun in one turn of the event loop, some milliseconds of work. */
const mostInTurn = 64;

/** Begins the requests of an endpoint a few in each turn of the event loop, in the order they came: thousands may come at once. */
export class RequestTurns {
  readonly #waiting: (() => void)[] = [];
  #left = mostInTurn;
  #isCounting = false;

  /** Whether a request may begin now; if not, `begin` is called when it may. */
  mayBegin(begin: () => void): boolean {
    this.#count();
    if (this.#left === 0 || this.#waiting.length > 0) {
      this.#waiting.push(begin);
      return false;
    }
    this.#left -= 1;
    return true;
  }

  #count(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    setImmediate(() => {
      this.#isCounting = false;
      const next = this.#waiting.splice(0, mostInTurn);
      this.#left = mostInTurn - next.length;
      for (const begin of next) begin();
      if (this.#left < mostInTurn) this.#count();
    });
  }
}
