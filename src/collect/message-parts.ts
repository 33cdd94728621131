import { MessageError, type MessageFacts, type Part } from "../sinks/nats/message.js";

export interface ArrivedMessage {
  readonly facts: MessageFacts & { readonly part?: Part };
  readonly data: Uint8Array;
}

/** `missing`: the payload before is incomplete and will stay so. */
export type Joined = { readonly whole: readonly Uint8Array[] } | "more to come" | "missing";

/** Joins the parts of payloads that were too large for one message. */
export class MessageParts {
  readonly #maxBytes: number;
  #of: MessageFacts | undefined;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(options: { readonly maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
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
    if (this.#bytes > this.#maxBytes) {
      this.forget();
      throw new MessageError({ code: "malformed", what: `payload of more than ${this.#maxBytes} bytes` });
    }
    this.#parts.push(data);
    if (part.number < part.of) return "more to come";
    const whole = this.#parts;
    this.forget();
    return { whole };
  }

  forget(): void {
    this.#of = undefined;
    this.#parts = [];
    this.#bytes = 0;
  }
}
