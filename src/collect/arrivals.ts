import type { Msg, MsgImpl, NatsConnection } from "@nats-io/transport-node";
import type { ByteBudget } from "./byte-budget.js";

/** What a message takes in addition to its bytes. */
const messageBytes = 1_024;

/** Sizes of a message that has arrived. */
interface Arrival {
  /** Without the payload, in bytes. */
  readonly headerBytes: number;
  readonly bytes: number;
}

/**
 * Counts what has arrived for one reader and was not taken yet: the library keeps it in a list without bound, whether or not
 * it was asked for.
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
          // Those with the subject of the subscription are about the reading itself, and not kept.
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
