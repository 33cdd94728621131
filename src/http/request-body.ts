import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Admission } from "./admission.js";
import { type BodyFault, readBody } from "./admitted-body.js";
import { type Answer, busyAnswer, textAnswer } from "./answer.js";
import type { GatedConnection } from "./gated-connection.js";

/** Most bytes of bodies of unanswered requests, all clients together. */
const maxAllBytes = 33_554_432;
/** Memory of a request in addition to its body. */
const requestBytes = 16_384;

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Reads the bodies of an endpoint's requests. They are kept until their answer is made; their total is limited. */
export class RequestBodies {
  readonly #maxBytes: number;
  readonly #admission = new Admission({ maxBytes: maxAllBytes, requestBytes });

  /** `maxBytes`: the limit for a single body. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The answer that `answer` makes from the body of a request, or a refusal. */
  async answered(message: IncomingMessage, answer: (body: string) => Promise<Answer>): Promise<Answer> {
    // Without a length the body cannot be told from the next request before HTTP has read it.
    const length = Number(message.headers["content-length"] ?? Number.NaN);
    if (message.headers["transfer-encoding"] !== undefined || !Number.isInteger(length)) {
      return textAnswer(411, "A body needs a Content-Length");
    }
    if (length > this.#maxBytes) return this.#refusal("too-large");
    const place = this.#admission.enter();
    if (place === undefined) return this.#refusal("busy");
    try {
      (message.socket as Duplex as GatedConnection).letThrough(length);
      const body = await readBody(message, length, place);
      return typeof body === "string" ? this.#refusal(body) : await answer(body.toString("utf8"));
    } finally {
      place.leave();
    }
  }

  #refusal(fault: BodyFault): Answer {
    switch (fault) {
      case "busy":
        return busyAnswer();
      case "late":
        return textAnswer(408, "The body arrived too slowly");
      case "too-large":
        return textAnswer(413, `A body may have ${this.#maxBytes} bytes`);
      default:
        return textAnswer(400, "The body was cut off");
    }
  }
}
