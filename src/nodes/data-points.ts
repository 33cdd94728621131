import { decodeDataPointsReply, encodeDataPointsRequest } from "../protocol/data-points.js";
import { MessageAssembler } from "../protocol/message-assembler.js";

/** Requests that may wait for their turn; who asks more often is told no. */
const maxWaiting = 64;

/** Values by name, JSON documents as bytes; undefined where the node has no such data point. */
export type DataPoints = ReadonlyMap<string, Uint8Array | undefined>;

interface Waiting {
  readonly names: readonly string[];
  readonly settle: (points: DataPoints | undefined) => void;
}

/** Mini-protocol 3 of one connection: asks for data points when somebody wants them, one request at a time. */
export class DataPointRequests {
  readonly #send: (message: Uint8Array) => void;
  readonly #replies: MessageAssembler;
  readonly #waiting: Waiting[] = [];
  /** An answer that came before its question, as a replayed stream may send it. */
  #early: DataPoints | undefined;
  #ended = false;

  constructor(options: { maxAnswerBytes: number; send: (message: Uint8Array) => void }) {
    this.#send = options.send;
    this.#replies = new MessageAssembler({ what: "a data-point reply", maxBytes: options.maxAnswerBytes });
  }

  /** Resolves with the answer, or with undefined where none came within `timeoutMs` or before the connection ended. */
  async request(names: readonly string[], timeoutMs: number): Promise<DataPoints | undefined> {
    if (this.#ended || this.#waiting.length >= maxWaiting) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      const settle = (points: DataPoints | undefined) => {
        clearTimeout(timer);
        resolve(points);
      };
      // One that timed out keeps its place: its answer may still come and must not be taken for the next one's.
      this.#waiting.push({ names, settle });
      if (this.#waiting.length > 1) return;
      this.#sendFirst();
      const early = this.#early;
      this.#early = undefined;
      if (early !== undefined) this.#answer(early);
    });
  }

  /**
   * Takes bytes of the mini-protocol. Like the real acceptor, takes a reply nobody asked for as the answer to the
   * next request; a second one is forgotten.
   * @throws ProtocolError
   */
  receive(bytes: Uint8Array): void {
    for (const message of this.#replies.push(bytes)) {
      const points = new Map(decodeDataPointsReply(message));
      if (this.#waiting.length === 0) this.#early ??= points;
      else this.#answer(points);
    }
  }

  end(): void {
    this.#ended = true;
    for (const { settle } of this.#waiting.splice(0)) settle(undefined);
  }

  #answer(points: DataPoints): void {
    this.#waiting.shift()?.settle(points);
    this.#sendFirst();
  }

  #sendFirst(): void {
    const first = this.#waiting[0];
    if (first !== undefined) this.#send(encodeDataPointsRequest(first.names));
  }
}
