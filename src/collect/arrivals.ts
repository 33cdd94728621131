import type { Msg, MsgImpl, NatsConnection } from "@nats-io/transport-node";
import type { ByteBudget } from "./byte-budget.js";

/** Memory of a message in addition to its bytes. */
const messageBytes = 1_024;

/** Sizes of a message that has arrived. */
interface Arrival {
  /** Without the payload, in bytes. */
  readonly headerBytes: number;
  readonly bytes: number;
}

/**
 * Counts what has arrived for one reader and is not consumed yet: the library keeps it in an unbounded list, whether or not
 * it was requested.
 */
export class Arrivals {
  readonly #budget: ByteBudget;
  /** In the order of the library's list. */
  #waiting: Arrival[] = [];
  #isOver = false;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** The connection, for a JetStream client that reads for this reader. */
  watched(connection: NatsConnection): NatsConnection {
    const subscribe: NatsConnection["subscribe"] = (subject, options = {}) =>
      connection.subscribe(subject, {
        ...options,
        callback: (error, message) => {
          // Those with the subscription's own subject are about the reading itself, and are not kept.
          if (error === null && message.subject !== subject) this.#add(message);
          options.callback?.(error, message);
        },
      });
    return Object.create(connection, { subscribe: { value: subscribe } });
  }

  /** The library has given its next message. */
  take(): Arrival {
    const arrival = this.#waiting.shift() ?? { headerBytes: 0, bytes: 0 };
    this.#budget.add(-arrival.bytes);
    return arrival;
  }

  /** Nothing more will be taken. Idempotent. */
  end(): void {
    this.#isOver = true;
    for (const { bytes } of this.#waiting) this.#budget.add(-bytes);
    this.#waiting = [];
  }

  #add(message: Msg): void {
    if (this.#isOver) return;
    const size = (message as MsgImpl).size();
    const bytes = size + messageBytes;
    this.#waiting.push({ headerBytes: size - message.data.length, bytes });
    this.#budget.add(bytes);
  }
}
