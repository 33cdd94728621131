import type { ServerResponse } from "node:http";
import type { Body } from "./body.js";
import { type BodyBudget, leastReadingMs } from "./body-budget.js";

interface Reader {
  readonly body: Body;
  readonly begunAt: number;
}

/**
 * Answers that are being sent. A reader that does not read its answer before the deadline is disconnected; so are the earliest
 * ones if all bodies together are too large, or others wait for room.
 */
export class UnreadAnswers {
  readonly #budget: BodyBudget;
  /** In the order in which their sending began. */
  readonly #unread = new Map<ServerResponse, Reader>();
  readonly #awaitingNone: (() => void)[] = [];
  #cut = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
    budget.whenShort(() => this.cutSlow());
  }

  /** Readers disconnected so far. */
  get cut(): number {
    return this.#cut;
  }

  /** Disconnects up to this many readers who have had enough time, the slowest first: others need the room. */
  cutSlow(most = Number.POSITIVE_INFINITY): void {
    const before = performance.now() - leastReadingMs;
    let left = most;
    for (const [response, { begunAt }] of this.#unread) {
      if (begunAt > before || left === 0) break;
      left -= 1;
      this.#cutOff(response);
    }
  }

  /** Follows `response`, which is about to send `body`, until it is done. */
  track(response: ServerResponse, body: Body, deadlineMs: number): void {
    this.#budget.hold(body);
    this.#unread.set(response, { body, begunAt: performance.now() });

    const cutReader = () => {
      // A reader who has read all that was sent waits for us: other work came between the pieces of the answer.
      if (response.writableLength > 0) this.#cutOff(response);
      else if (this.#unread.has(response)) deadline.refresh();
    };
    // If our own event loop was late, it first learns what was sent meanwhile.
    const deadline = setTimeout(() => setImmediate(cutReader), deadlineMs);
    deadline.unref();
    const over = () => {
      clearTimeout(deadline);
      this.#release(response);
    };
    response.once("finish", over);
    response.once("close", over);

    for (const oldest of this.#unread.keys()) {
      if (!this.#budget.isExceeded || oldest === response) break;
      this.#cutOff(oldest);
    }
  }

  /** Resolves when every answer has been read or its reader disconnected. */
  async allRead(): Promise<void> {
    if (this.#unread.size > 0) await new Promise<void>((resolve) => this.#awaitingNone.push(resolve));
  }

  #cutOff(response: ServerResponse): void {
    if (!this.#unread.has(response)) return;
    this.#cut += 1;
    this.#release(response);
    response.destroy();
  }

  #release(response: ServerResponse): void {
    const reader = this.#unread.get(response);
    if (reader === undefined) return;
    this.#unread.delete(response);
    this.#budget.release(reader.body);
    if (this.#unread.size === 0) for (const resolve of this.#awaitingNone.splice(0)) resolve();
  }
}
