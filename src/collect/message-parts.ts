import { MessageError, type MessageFacts, type Part } from "../sinks/nats/message.js";
import type { PartsHolder, UnfinishedPayloads } from "./unfinished-payloads.js";

export interface ArrivedMessage {
  readonly facts: MessageFacts & { readonly part?: Part };
  readonly data: Uint8Array;
}

/** `missing`: the payload before is incomplete and will stay so. */
export type Joined = { readonly whole: readonly Uint8Array[] } | "more to come" | "missing";

/** Memory of a part in addition to its bytes: there may be very many of one byte each. */
const partBytes = 256;

/** Joins the parts of payloads that were too large for one message. */
export class MessageParts implements PartsHolder {
  readonly #maxBytes: number;
  readonly #unfinished: UnfinishedPayloads;
  readonly #onEvicted: () => void;
  #of: MessageFacts | undefined;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** `onEvicted`: a payload's parts are discarded because all payloads together were too large. */
  constructor(options: {
    readonly maxBytes: number;
    readonly unfinished: UnfinishedPayloads;
    readonly onEvicted: () => void;
  }) {
    this.#maxBytes = options.maxBytes;
    this.#unfinished = options.unfinished;
    this.#onEvicted = options.onEvicted;
  }

  /** Whether a payload has begun and is incomplete. */
  get hasBegun(): boolean {
    return this.#of !== undefined;
  }

  /** @throws MessageError if it grows too large */
  add({ facts, data }: ArrivedMessage): Joined {
    const { part } = facts;
    if (part === undefined) {
      this.forget();
      return { whole: [data] };
    }
    if (part.number === 1) {
      this.forget();
      this.#of = facts;
    }
    if (this.#of?.start !== facts.start || this.#of.first !== facts.first) return "missing";
    // Sent again outside the stream's duplicate window.
    if (part.number <= this.#parts.length) return "more to come";
    if (part.number > this.#parts.length + 1) return "missing";
    this.#bytes += data.length;
    const memoryBytes = this.#bytes + this.#parts.length * partBytes;
    if (this.#bytes > this.#maxBytes || memoryBytes > this.#unfinished.mostBytes) {
      this.forget();
      throw new MessageError({ code: "malformed", what: `payload of more than ${this.#maxBytes} bytes` });
    }
    this.#parts.push(data);
    if (part.number < part.of) {
      this.#unfinished.set(this, memoryBytes);
      return "more to come";
    }
    const whole = this.#parts;
    this.forget();
    return { whole };
  }

  evict(): void {
    this.forget();
    this.#onEvicted();
  }

  forget(): void {
    this.#unfinished.set(this, 0);
    this.#of = undefined;
    this.#parts = [];
    this.#bytes = 0;
  }
}
