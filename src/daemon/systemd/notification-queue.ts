import type { Notify } from "./notify-program.js";

/** One message to the service manager. A later one of the same kind replaces one that still waits. */
export interface Notification {
  readonly kind: string;
  readonly assignments: readonly string[];
}

/** Sends notifications one after the other, in order: never two programs at a time, never a growing queue. */
export class NotificationQueue {
  readonly #notify: Notify;
  readonly #onResult: (error: unknown) => void;
  #waiting: Notification[] = [];
  #sending: Promise<void> | undefined;

  /** @param onResult receives the outcome of each message; undefined is success */
  constructor(notify: Notify, onResult: (error: unknown) => void) {
    this.#notify = notify;
    this.#onResult = onResult;
  }

  push(notification: Notification): void {
    this.#waiting = this.#waiting.filter(({ kind }) => kind !== notification.kind);
    this.#waiting.push(notification);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when no message waits or is being sent. */
  async drained(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#notify(next.assignments);
        this.#onResult(undefined);
      } catch (error) {
        this.#onResult(error);
      }
    }
    this.#sending = undefined;
  }
}
