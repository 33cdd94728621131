import { decodeDataPointsReply } from "../protocol/data-points.js";
import { MessageAssembler } from "../protocol/message-assembler.js";
import { decodeMetricsResponse, type MetricValue } from "../protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import { Demux, type Side } from "../protocol/mux.js";
import { ObjectCutter } from "./object-cutter.js";

/** What a forwarder said. */
export type ForwarderMessage =
  | { readonly kind: "objects" /** As it sent them. */; readonly objects: readonly Uint8Array[] }
  | { readonly kind: "metrics"; readonly metrics: readonly (readonly [string, MetricValue])[] }
  | {
      readonly kind: "data-points";
      readonly points: readonly (readonly [string, Uint8Array | undefined])[];
    };

/** What was sent is whole already; these only keep damage from filling the memory. */
const maxObjectBytes = 256 * 1024 * 1024;
const maxAnswerBytes = 256 * 1024 * 1024;

/** Reads all bytes that one forwarder sent over one connection. */
export class RecordedForwarder {
  readonly #demux: Demux;
  readonly #replies = new ObjectCutter({ maxObjectBytes });
  readonly #metrics = new MessageAssembler({ what: "a metrics response", maxBytes: maxAnswerBytes });
  readonly #points = new MessageAssembler({ what: "a data-point reply", maxBytes: maxAnswerBytes });

  constructor(sender: Side) {
    this.#demux = new Demux(sender);
  }

  /**
   * What the bytes complete, in the order it was completed; the objects of a reply before the reply ends.
   * @throws ProtocolError after everything before the fault was given
   */
  *push(bytes: Uint8Array): Generator<ForwarderMessage> {
    const pieces: [MiniProtocol, Uint8Array][] = [];
    let fault: unknown;
    try {
      this.#demux.push(bytes, (miniProtocol, payload) => pieces.push([miniProtocol, payload]));
    } catch (error) {
      fault = error;
    }
    for (const [miniProtocol, payload] of pieces) yield* this.#read(miniProtocol, payload);
    if (fault !== undefined) throw fault;
  }

  *#read(miniProtocol: MiniProtocol, payload: Uint8Array): Generator<ForwarderMessage> {
    switch (miniProtocol) {
      case miniProtocols.handshake:
        return;
      case miniProtocols.traceObjects:
        yield* this.#readObjects(payload);
        return;
      case miniProtocols.metrics:
        for (const message of this.#metrics.push(payload))
          yield { kind: "metrics", metrics: decodeMetricsResponse(message) };
        return;
      case miniProtocols.dataPoints:
        for (const message of this.#points.push(payload))
          yield { kind: "data-points", points: decodeDataPointsReply(message) };
        return;
    }
  }

  *#readObjects(payload: Uint8Array): Generator<ForwarderMessage> {
    const objects: Uint8Array[] = [];
    let fault: unknown;
    try {
      for (const object of this.#replies.push(payload)) objects.push(object);
    } catch (error) {
      fault = error;
    }
    if (objects.length > 0) yield { kind: "objects", objects };
    if (fault !== undefined) throw fault;
  }
}
