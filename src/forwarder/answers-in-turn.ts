import type { ForwarderSource } from "./source.js";

export interface AnswersOptions {
  readonly source: Pick<ForwarderSource, "take" | "takeNow">;
  /** If false, no object is taken: it would be lost. */
  readonly canReply: () => boolean;
  /** Sends a reply; returns whether another may be sent at once, or only after `resume`. */
  readonly reply: (objects: readonly Uint8Array[]) => boolean;
  /** Called when there is nothing to do: no request is open, or no more objects will be added. */
  readonly onIdle: () => void;
}

export interface ObjectRequest {
  readonly blocking: boolean;
  readonly count: number;
}

/**
 * Answers requests for trace objects one after another, each with one reply, however many are open: a blocking one as soon as
 * there is an object, the others at once.
 */
export class AnswersInTurn {
  readonly #options: AnswersOptions;
  readonly #requests: ObjectRequest[] = [];
  readonly #noWaiting = new AbortController();
  #state: "ready" | "awaiting-objects" | "awaiting-peer" | "stopped" = "ready";

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Requests without an answer. */
  get open(): number {
    return this.#requests.length;
  }

  add(request: ObjectRequest): void {
    this.#requests.push(request);
    this.#answer();
  }

  /** The peer is reading again. */
  resume(): void {
    if (this.#state !== "awaiting-peer") return;
    this.#state = "ready";
    this.#answer();
  }

  /** From now on no request waits for objects: available ones are sent, and then it is idle. */
  stopWaiting(): void {
    this.#noWaiting.abort();
    this.#answer();
  }

  /** Answers nothing more. */
  stop(): void {
    this.#state = "stopped";
    this.#noWaiting.abort();
  }

  #answer(): void {
    const { source, canReply, onIdle } = this.#options;
    while (this.#state === "ready" && canReply()) {
      const next = this.#requests[0];
      if (next === undefined) break;
      const objects = source.takeNow(next.count);
      if (objects.length > 0 || !next.blocking) this.#reply(objects);
      else if (this.#noWaiting.signal.aborted) break;
      else void this.#awaitObjects(next.count);
    }
    if (this.#state === "ready") onIdle();
  }

  async #awaitObjects(count: number): Promise<void> {
    this.#state = "awaiting-objects";
    const { signal } = this.#noWaiting;
    const objects = await this.#options.source.take(count, signal);
    if (this.#state !== "awaiting-objects") return;
    this.#state = "ready";
    if (objects.length > 0) this.#reply(objects);
    // An empty result means that no more objects will be added; the request stays open.
    else if (!signal.aborted) {
      this.#options.onIdle();
      return;
    }
    this.#answer();
  }

  #reply(objects: readonly Uint8Array[]): void {
    this.#requests.shift();
    if (!this.#options.reply(objects) && this.#state === "ready") this.#state = "awaiting-peer";
  }
}
