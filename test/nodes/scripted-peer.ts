import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { encodeMetricsResponse, type MetricValue } from "../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments } from "../../src/protocol/mux.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import type { Connection } from "../../src/transport/connection.js";
import { traceObject } from "../batches.js";

export const magic = 764_824_073;

/** A peer that opened the connection and does exactly what a test says, message by message. */
export class ScriptedPeer {
  /** Our side's end, for the session under test. */
  readonly connection: Connection;
  readonly stream: Duplex;
  readonly #received: Record<MiniProtocol, Uint8Array[]> = { 0: [], 1: [], 2: [], 3: [] };
  #sessionEnded = false;

  constructor(id = "unix-1") {
    const [ours, theirs] = duplexPair();
    this.connection = { id, opener: "peer", peer: "a test", stream: ours, chunks: "given" };
    this.stream = theirs;
    const demux = new Demux("listener");
    const assemblers = [0, 1, 2, 3].map(() => new MessageAssembler({ what: "message", maxBytes: 1_000_000 }));
    theirs.on("data", (chunk: Uint8Array) =>
      demux.push(chunk, (miniProtocol, payload) => {
        for (const message of assemblers[miniProtocol]!.push(payload)) {
          this.#received[miniProtocol].push(Uint8Array.from(message));
        }
      }),
    );
    theirs.on("end", () => {
      this.#sessionEnded = true;
    });
  }

  /** Messages that the session sent and the test has not taken yet. */
  waiting(miniProtocol: MiniProtocol): number {
    return this.#received[miniProtocol].length;
  }

  /** Takes the next message the session sends. */
  async next(miniProtocol: MiniProtocol): Promise<Uint8Array> {
    for (;;) {
      const message = this.#received[miniProtocol].shift();
      if (message !== undefined) return message;
      if (this.#sessionEnded)
        throw new Error(`the session ended before a message of mini-protocol ${miniProtocol}`);
      await Promise.race([once(this.stream, "data"), once(this.stream, "end")]);
    }
  }

  send(miniProtocol: MiniProtocol, message: Uint8Array): void {
    this.stream.write(encodeSegments("opener", miniProtocol, message, 0));
  }

  async shakeHands(): Promise<void> {
    this.send(miniProtocols.handshake, encodeProposal(magic));
    await this.next(miniProtocols.handshake);
  }

  /** Answers the opening request for no data points and the one for the name. */
  async tellName(name: string | undefined): Promise<void> {
    const info = name === undefined ? undefined : Buffer.from(JSON.stringify({ niName: name }));
    await this.next(miniProtocols.dataPoints);
    this.send(miniProtocols.dataPoints, encodeDataPointsReply([]));
    await this.next(miniProtocols.dataPoints);
    this.send(miniProtocols.dataPoints, encodeDataPointsReply([["NodeInfo", info]]));
  }

  reply(texts: readonly string[]): void {
    this.send(miniProtocols.traceObjects, replyOf(texts));
  }

  answerMetrics(metrics: readonly (readonly [string, MetricValue])[]): void {
    this.send(miniProtocols.metrics, encodeMetricsResponse(metrics));
  }
}

/** A reply of trace objects with these machine texts. */
export function replyOf(texts: readonly string[]): Uint8Array {
  return encodeTraceReply(texts.map((machine) => encodeTraceObject(traceObject({ machine }))));
}
