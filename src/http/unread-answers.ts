import type { ServerResponse } from "node:http";
import type { Body } from "./body.js";

/**
 * Answers on their way to their readers. A reader that does not take his answer before the deadline is cut off, and so
 * are those who began first when all unread bodies together are too large; a body that several read counts once.
 */
export class UnreadAnswers {
  readonly #deadlineMs: number;
  readonly #maxBytes: number;
  /** Insertion order is the order in which they began. */
  readonly #unread = new Map<ServerResponse, Body>();
  readonly #readers = new Map<Body, number>();
  readonly #awaitingNone: (() => void)[] = [];
  #bytes = 0;
  #cut = 0;

  constructor(options: { deadlineMs: number; maxBytes: number }) {
    this.#deadlineMs = options.deadlineMs;
    this.#maxBytes = options.maxBytes;
  }

  /** Readers cut off so far. */
  get cut(): number {
    return this.#cut;
  }

  /** Follows `response`, which is about to send `body`, until it is done. */
  track(response: ServerResponse, body: Body): void {
    const readers = this.#readers.get(body) ?? 0;
    if (readers === 0) this.#bytes += body.bytes;
    this.#readers.set(body, readers + 1);
    this.#unread.set(response, body);

    const deadline = setTimeout(() => this.#cutOff(response), this.#deadlineMs);
    deadline.unref();
    const over = () => {
      clearTimeout(deadline);
      this.#release(response);
    };
    response.once("finish", over);
    response.once("close", over);

    for (const oldest of this.#unread.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === response) break;
      this.#cutOff(oldest);
    }
  }

  /** Resolves when every answer has been read, or cut off. */
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
    const body = this.#unread.get(response);
    if (body === undefined) return;
    this.#unread.delete(response);
    const readers = this.#readers.get(body)! - 1;
    if (readers > 0) {
      this.#readers.set(body, readers);
    } else {
      this.#readers.delete(body);
      this.#bytes -= body.bytes;
    }
    if (this.#unread.size === 0) for (const resolve of this.#awaitingNone.splice(0)) resolve();
  }
}
