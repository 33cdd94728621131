import type { DropReason } from "./drop-reasons.js";
import type { Dropped, ObjectAccount } from "./sink.js";

/** Accepts objects, and gives back those it has not started to send. */
interface Sender<Waiting> {
  takeBack(waiting: Waiting): boolean;
}

/** Objects that wait together. */
interface Entry<Waiting> {
  readonly objects: number;
  readonly bytes: number;
  readonly sender: Sender<Waiting>;
  readonly account: ObjectAccount;
}

/**
 * Objects that a best-effort sink has given to its senders and that are not settled, limited in bytes: the oldest that is
 * not being sent is dropped first.
 */
export class BestEffortQueue<Waiting> {
  readonly #mostBytes: number;
  /** The oldest first. */
  readonly #entries = new Map<Waiting, Entry<Waiting>>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(waiting: Waiting, entry: Entry<Waiting>): void {
    this.#entries.set(waiting, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, { sender, objects }] of this.#entries) {
      if (this.#bytes <= this.#mostBytes) break;
      // Objects being sent stay: they may have arrived.
      if (sender.takeBack(oldest)) this.settle(oldest, { "queue-full": objects });
    }
  }

  /** Counts each object once: as written, except those that were dropped. */
  settle(waiting: Waiting, dropped: Dropped): void {
    const { objects, bytes, account } = this.#entries.get(waiting)!;
    this.#entries.delete(waiting);
    this.#bytes -= bytes;
    let written = objects;
    for (const [reason, lost] of Object.entries(dropped) as [DropReason, number][]) {
      account.dropped(reason, lost);
      written -= lost;
    }
    if (written > 0) account.written(written);
  }
}
