import type { WebSocket } from "ws";
import type { Body } from "./body.js";
import { type BodyBudget, leastReadingMs } from "./body-budget.js";

/** One open page. At most one update is in flight: a page that does not read misses further ones. */
export class LiveViewer {
  /** Whether the page has been sent every update; otherwise it gets the whole state next time. */
  isUpToDate = false;
  readonly #socket: WebSocket;
  readonly #budget: BodyBudget;
  #unread: Body | undefined;
  #sentAt = 0;
  #answeredPing = true;

  constructor(socket: WebSocket, budget: BodyBudget) {
    this.#socket = socket;
    this.#budget = budget;
    socket.on("pong", () => {
      this.#answeredPing = true;
    });
    // A broken connection closes by itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
    socket.once("close", () => this.#release());
  }

  /** Whether it has read the last update. */
  get isReading(): boolean {
    return this.#unread === undefined;
  }

  /** Sends an update, unless the last one is still in flight. */
  tell(body: Body): void {
    this.isUpToDate = this.isReading && !this.#budget.isExceeded && this.#socket.readyState === 1;
    if (!this.isUpToDate) return;
    this.#unread = body;
    this.#sentAt = performance.now();
    this.#budget.hold(body);
    const last = body.chunks.length - 1;
    for (const [index, chunk] of body.chunks.entries()) {
      const isLast = index === last;
      this.#socket.send(chunk, { binary: false, fin: isLast }, isLast ? () => this.#release() : undefined);
    }
  }

  /** Ends it if it has had enough time to read its last update, and others need the room. */
  endIfSlow(): void {
    if (!this.isReading && performance.now() - this.#sentAt >= leastReadingMs) this.#socket.terminate();
  }

  /** Ends it if it has not answered the last ping. */
  ping(): void {
    if (!this.#answeredPing) {
      this.#socket.terminate();
      return;
    }
    this.#answeredPing = false;
    this.#socket.ping();
  }

  /** Closes the WebSocket. */
  close(): void {
    this.#socket.close(1001);
  }

  #release(): void {
    if (this.#unread !== undefined) this.#budget.release(this.#unread);
    this.#unread = undefined;
  }
}
