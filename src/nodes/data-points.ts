import { decodeDataPointsReply, encodeDataPointsRequest } from "../protocol/data-points.js";
import { ProtocolError } from "../protocol/faults.js";
import { MessageAssembler } from "../protocol/message-assembler.js";
import type { MiniProtocolSide } from "./mini-protocol-side.js";

/** Requests that may wait for their turn; more are refused. */
const maxWaiting = 64;

/** Values by name, JSON documents as bytes; undefined if the node has no such data point. */
export type DataPoints = ReadonlyMap<string, Uint8Array | undefined>;

export interface DataPointOptions {
  readonly maxAnswerBytes: number;
  readonly send: (message: Uint8Array) => void;
  /** Called with the change in memory of an unfinished answer; what it throws, `receive` throws. */
  readonly onGrowth?: (deltaBytes: number) => void;
}

interface Waiting {
  readonly names: readonly string[];
  readonly settle: (points: DataPoints | undefined) => void;
}

/** Mini-protocol 3 of one connection: asks for data points when they are wanted, one request at a time. */
export class DataPointRequests implements MiniProtocolSide {
  readonly #send: (message: Uint8Array) => void;
  readonly #replies: MessageAssembler;
  readonly #waiting: Waiting[] = [];
  /** An answer that arrived before its request, as from a replayed stream. */
  #early: DataPoints | undefined;
  #hadEarly = false;
  #ended = false;

  constructor({ maxAnswerBytes, send, onGrowth }: DataPointOptions) {
    this.#send = send;
    this.#replies = new MessageAssembler({
      what: "a data-point reply",
      maxBytes: maxAnswerBytes,
      ...(onGrowth === undefined ? {} : { onGrowth }),
    });
  }

  /** Resolves with the answer, or with undefined if none arrived within `timeoutMs` or before the connection ended. */
  async request(names: readonly string[], timeoutMs: number): Promise<DataPoints | undefined> {
    if (this.#ended || this.#waiting.length >= maxWaiting) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      const settle = (points: DataPoints | undefined) => {
        clearTimeout(timer);
        resolve(points);
      };
      // One that timed out keeps its place: its answer may still arrive and must not be taken for the next one's.
      this.#waiting.push({ names, settle });
      if (this.#waiting.length > 1) return;
      this.#sendFirst();
      const early = this.#early;
      this.#early = undefined;
      if (early !== undefined) this.#answer(early);
    });
  }

  /**
   * Like the real acceptor, takes an unrequested reply as the answer to the next request, once.
   * @throws ProtocolError with code `unexpected-message` for a second one
   */
  receive(bytes: Uint8Array): void {
    for (const message of this.#replies.push(bytes)) {
      const points = new Map(decodeDataPointsReply(message));
      if (this.#waiting.length === 0) this.#takeEarly(points);
      else this.#answer(points);
    }
  }

  end(): void {
    this.#ended = true;
    for (const { settle } of this.#waiting.splice(0)) settle(undefined);
  }

  #takeEarly(points: DataPoints): void {
    if (this.#hadEarly) {
      const state = "none is asked for";
      throw new ProtocolError({ code: "unexpected-message", what: "data-point answer", state });
    }
    this.#hadEarly = true;
    this.#early = points;
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
