/** Requests begun per turn of the event loop: some milliseconds of work. */
const mostInTurn = 64;
/** No further one begins in a turn in which the first began this many milliseconds ago: a client decides how long one takes. */
const longestMs = 5;
/**
 * Turns of the event loop between two in which requests that waited begin. In each of them one client is accepted: where
 * thousands come, they would wait for one another's requests otherwise.
 */
const turnsBetween = 16;

/** Begins an endpoint's requests a few per turn of the event loop, in order of arrival: thousands may arrive at once. */
export class RequestTurns {
  readonly #waiting: (() => void)[] = [];
  readonly #now: () => number;
  #left = 0;
  #endsAt = 0;
  #isCounting = false;

  /** `now`: milliseconds that never go backwards. */
  constructor({ now = () => performance.now() }: { readonly now?: () => number } = {}) {
    this.#now = now;
  }

  /** Whether a request may begin now; if not, `begin` is called when it may. */
  mayBegin(begin: () => void): boolean {
    if (!this.#isCounting) {
      this.#isCounting = true;
      this.#makeRoom();
      this.#continueAfter(1);
    }
    if (this.#waiting.length > 0 || !this.#hasRoom) {
      this.#waiting.push(begin);
      return false;
    }
    this.#left -= 1;
    return true;
  }

  get #hasRoom(): boolean {
    return this.#left > 0 && this.#now() < this.#endsAt;
  }

  #makeRoom(): void {
    this.#left = mostInTurn;
    this.#endsAt = this.#now() + longestMs;
  }

  #continueAfter(turns: number): void {
    setImmediate(() => {
      if (turns > 1) this.#continueAfter(turns - 1);
      else void this.#beginWaiting();
    });
  }

  async #beginWaiting(): Promise<void> {
    if (this.#waiting.length === 0) {
      this.#isCounting = false;
      return;
    }
    this.#makeRoom();
    do {
      this.#left -= 1;
      this.#waiting.shift()!();
      await microtasks();
    } while (this.#waiting.length > 0 && this.#hasRoom);
    this.#continueAfter(this.#waiting.length > 0 ? turnsBetween : 1);
  }
}

/** Resolves in this turn of the event loop, when all that promises have begun in it is done: that may be most of an answer. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
