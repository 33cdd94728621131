import type { DropReason } from "../drop-reasons.js";
import type { ObjectAccount } from "../sink.js";

/**
 * A trace object queued for one or several receivers. It is settled once the last of them is done with it: `written` if any has
 * received it, otherwise `dropped` for the reason of the last.
 */
export class WaitingObject {
  /** As the node sent it. */
  readonly bytes: Uint8Array;
  readonly #account: ObjectAccount;
  readonly #onSettled: (bytes: number) => void;
  #receivers: number;
  #wasTaken = false;

  /** `onSettled` is called with the number of bytes released. */
  constructor(
    bytes: Uint8Array,
    receivers: number,
    account: ObjectAccount,
    onSettled: (bytes: number) => void,
  ) {
    this.bytes = bytes;
    this.#receivers = receivers;
    this.#account = account;
    this.#onSettled = onSettled;
  }

  /** A receiver has received it. */
  taken(): void {
    this.#wasTaken = true;
    this.#settleOne("failed");
  }

  /** A receiver will not receive it. */
  dropped(reason: DropReason): void {
    this.#settleOne(reason);
  }

  #settleOne(reason: DropReason): void {
    this.#receivers -= 1;
    if (this.#receivers > 0) return;
    if (this.#wasTaken) this.#account.written(1);
    else this.#account.dropped(reason, 1);
    this.#onSettled(this.bytes.length);
  }
}
