import { decodeDataPointsReply } from "../protocol/data-points.js";
import { MessageAssembler } from "../protocol/message-assembler.js";
import { decodeMetricsResponse, type MetricValue } from "../protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import { Demux, type Side } from "../protocol/mux.js";
import { ObjectCutter } from "./object-cutter.js";

/** What a forwarder sent. */
export type ForwarderMessage =
  | { readonly kind: "objects" /** As it sent them. */; readonly objects: readonly Uint8Array[] }
  | { readonly kind: "metrics"; readonly metrics: readonly (readonly [string, MetricValue])[] }
  | {
      readonly kind: "data-points";
      readonly points: readonly (readonly [string, Uint8Array | undefined])[];
    };

/** What was sent is complete already; these limits only prevent damaged data from filling the memory. */
const maxObjectBytes = 256 * 1024 * 1024;
const maxAnswerBytes = 16 * 1024 * 1024;
/** Bytes processed together: they may hold thousands of segments. */
const pieceBytes = 64 * 1024;

/** Reads all bytes that one forwarder sent over one connection. */
export class RecordedForwarder {
  readonly #demux: Demux;
  /** The messages that the payloads of each mini-protocol complete. */
  readonly #readers: Readonly<Record<MiniProtocol, (payload: Uint8Array) => Iterable<ForwarderMessage>>>;

  readonly #objects = new ObjectCutter({ maxObjectBytes });
  #unfinishedAnswers = 0;

  constructor(sender: Side) {
    this.#demux = new Demux(sender);
    const replies = this.#objects;
    const onGrowth = (bytes: number) => {
      this.#unfinishedAnswers += bytes;
    };
    const limits = { maxBytes: maxAnswerBytes, onGrowth };
    const metrics = new MessageAssembler({ what: "a metrics response", ...limits });
    const points = new MessageAssembler({ what: "a data-point reply", ...limits });
    this.#readers = {
      [miniProtocols.handshake]: () => [],
      [miniProtocols.traceObjects]: (payload) => readObjects(replies, payload),
      *[miniProtocols.metrics](payload) {
        for (const message of metrics.push(payload))
          yield { kind: "metrics", metrics: decodeMetricsResponse(message) };
      },
      *[miniProtocols.dataPoints](payload) {
        for (const message of points.push(payload))
          yield { kind: "data-points", points: decodeDataPointsReply(message) };
      },
    };
  }

  /** Bytes of objects and answers that are not whole. */
  get unfinishedBytes(): number {
    return this.#objects.unfinishedBytes + this.#unfinishedAnswers;
  }

  /**
   * The messages that the bytes complete, in that order; the objects of a reply before the reply ends.
   * @throws ProtocolError after everything before the fault was yielded
   */
  *push(bytes: Uint8Array): Generator<ForwarderMessage> {
    for (let at = 0; at < bytes.length; at += pieceBytes)
      yield* this.#pushPiece(bytes.subarray(at, at + pieceBytes));
  }

  *#pushPiece(bytes: Uint8Array): Generator<ForwarderMessage> {
    const pieces: [MiniProtocol, Uint8Array][] = [];
    let fault: unknown;
    try {
      this.#demux.push(bytes, (miniProtocol, payload) => pieces.push([miniProtocol, payload]));
    } catch (error) {
      fault = error;
    }
    for (const [miniProtocol, payload] of pieces) yield* this.#readers[miniProtocol](payload);
    if (fault !== undefined) throw fault;
  }
}

function* readObjects(replies: ObjectCutter, payload: Uint8Array): Generator<ForwarderMessage> {
  const objects: Uint8Array[] = [];
  let fault: unknown;
  try {
    for (const object of replies.push(payload)) objects.push(object);
  } catch (error) {
    fault = error;
  }
  if (objects.length > 0) yield { kind: "objects", objects };
  if (fault !== undefined) throw fault;
}
