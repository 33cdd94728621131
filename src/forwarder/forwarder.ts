import type { Duplex } from "node:stream";
import { decodeDataPointsRequest, encodeDataPointsReply } from "../protocol/data-points.js";
import { ProtocolError } from "../protocol/faults.js";
import { answerProposal, encodeProposal, readAnswer } from "../protocol/handshake.js";
import { MessageAssembler } from "../protocol/message-assembler.js";
import { decodeMetricsRequest, encodeMetricsResponse } from "../protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import { Demux, encodeSegments, type Side } from "../protocol/mux.js";
import { decodeTraceRequest, encodeTraceReply } from "../protocol/trace-messages.js";
import { AnswersInTurn } from "./answers-in-turn.js";
import type { Quirks } from "./quirks.js";
import { SentMetrics } from "./sent-metrics.js";
import type { ForwarderSource } from "./source.js";

/** A tracer's requests are short. */
const maxRequestBytes = 1_048_576;
/** How long a tracer has for taking our last words and ending its side. */
const graceMs = 2_000;

/** What the connections of a node came to. */
export interface ForwarderCounts {
  /** Handshakes that succeeded. */
  connections: number;
  /** Handshakes that either side refused. */
  refusals: number;
  /** Connections that ended because the tracer broke the protocol. */
  faults: number;
  /** Requests for trace objects, and how many objects those asked for. */
  requests: number;
  objectsAsked: number;
  objectsSent: number;
  /** Of replies with trace objects, without the headers of segments. */
  bytesSent: number;
  metricsRequests: number;
  dataPointRequests: number;
}

export interface ForwarderOptions {
  readonly stream: Duplex;
  /** Which end of the connection this is: the opener proposes in the handshake. */
  readonly side: Side;
  readonly magic: number;
  readonly source: ForwarderSource;
  /** Added to, so that it can outlive the connection. */
  readonly counts: ForwarderCounts;
  /** Told whenever `isAskedPast` may have changed. */
  readonly onChange?: (() => void) | undefined;
  /** Payload of a segment at most, in bytes. @default 12,288 as real nodes */
  readonly maxSegmentBytes?: number | undefined;
  readonly quirks?: Quirks | undefined;
  /** Ends the connection after so many bytes. @default never */
  readonly cutAfterBytes?: number | undefined;
  /** Holds everything back after so many bytes, as `hold` does. @default never */
  readonly stallAfterBytes?: number | undefined;
}

/** How a connection ended: by the peer's *done*, after which a forwarder does not come back, or otherwise. */
export interface ForwarderEnd {
  readonly toldDone: boolean;
  /** A handshake that was refused, or what the tracer did wrong. */
  readonly fault: ProtocolError | undefined;
}

/** The forwarder's side of one connection: answers what it is asked, in turn, as real nodes do. */
export class Forwarder {
  /** Resolves when the connection is gone and nothing is answered any more. Never rejects. */
  readonly ended: Promise<ForwarderEnd>;
  readonly #options: ForwarderOptions;
  readonly #quirks: Quirks;
  readonly #demux: Demux;
  readonly #assemblers: Readonly<Record<MiniProtocol, MessageAssembler>>;
  readonly #answers: AnswersInTurn;
  readonly #metrics = new SentMetrics();
  #bytesUntilCut: number;
  #bytesUntilStall: number;
  /** What has to wait, while something has to. */
  #held: Uint8Array[] | undefined;
  #hasShakenHands = false;
  #peerHasEnded = false;
  /** Nothing that arrives is looked at any more. */
  #deaf = false;
  #toldDone = false;
  #fault: ProtocolError | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#quirks = options.quirks ?? {};
    this.#bytesUntilCut = options.cutAfterBytes ?? Number.POSITIVE_INFINITY;
    this.#bytesUntilStall = options.stallAfterBytes ?? Number.POSITIVE_INFINITY;
    this.#demux = new Demux(options.side === "opener" ? "listener" : "opener");
    const assembler = (what: string) => new MessageAssembler({ what, maxBytes: maxRequestBytes });
    this.#assemblers = {
      [miniProtocols.handshake]: assembler("a handshake message"),
      [miniProtocols.metrics]: assembler("a metrics request"),
      [miniProtocols.traceObjects]: assembler("a trace-object request"),
      [miniProtocols.dataPoints]: assembler("a data-point request"),
    };
    this.#answers = new AnswersInTurn({
      source: options.source,
      extraObjects: this.#quirks.extraObjects ?? 0,
      canReply: () => options.stream.writable,
      reply: (objects) => this.#reply(objects),
      onIdle: () => this.#idle(),
    });
    this.ended = this.#live();
  }

  /** Whether there was a handshake. */
  get hasShakenHands(): boolean {
    return this.#hasShakenHands;
  }

  /**
   * Whether the tracer has asked for more, or ended its side in order, after all that was answered had gone out. A tracer
   * that asks for one reply at a time has then made everything safe.
   */
  get isAskedPast(): boolean {
    const { stream } = this.#options;
    const isOut =
      this.#hasShakenHands && this.#held === undefined && stream.writable && stream.writableLength === 0;
    return isOut && (this.#answers.open > 0 || this.#peerHasEnded);
  }

  /** Sends bytes as they are, between messages. */
  sendRaw(bytes: Uint8Array): void {
    if (this.#options.stream.writable) this.#write(bytes);
  }

  /** Keeps back whatever it has to say from now on; the connection stays. */
  hold(): void {
    this.#held ??= [];
  }

  /** Says what was kept back, and goes on. */
  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.#write(bytes);
    this.#options.onChange?.();
  }

  /** Ends the connection after what was answered; where the peer does not end its side in time, at once. */
  async close(): Promise<void> {
    this.#leave();
    await this.ended;
  }

  /** Drops the connection, in the middle of whatever it is. */
  destroy(): void {
    this.#options.stream.destroy();
  }

  async #live(): Promise<ForwarderEnd> {
    const { stream, side, magic } = this.#options;
    stream.on("error", () => {});
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.on("drain", () => this.#answers.resume());
    // A tracer that stops has ended its side; what it asked for is answered as far as it is there.
    stream.once("end", () => {
      this.#peerHasEnded = true;
      this.#answers.hurry();
    });
    if (this.#quirks.firstBytes !== undefined) this.sendRaw(this.#quirks.firstBytes);
    if (side === "opener") this.#send(miniProtocols.handshake, encodeProposal(magic));
    if (!stream.closed) await new Promise((resolve) => stream.once("close", resolve));
    this.#answers.stop();
    return { toldDone: this.#toldDone, fault: this.#fault };
  }

  #receive(chunk: Uint8Array): void {
    if (this.#deaf) return;
    try {
      this.#demux.push(chunk, (miniProtocol, payload) => {
        for (const message of this.#assemblers[miniProtocol].push(payload)) this.#take(miniProtocol, message);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fault = error;
      if (error.fault.code === "handshake-refused") this.#options.counts.refusals += 1;
      else this.#options.counts.faults += 1;
      this.#leave();
    }
  }

  #take(miniProtocol: MiniProtocol, message: Uint8Array): void {
    if (this.#deaf || this.#isSilent) return;
    const isHandshake = miniProtocol === miniProtocols.handshake;
    if (isHandshake === this.#hasShakenHands) {
      const state = isHandshake ? "connected" : "shaking hands";
      throw new ProtocolError({
        code: "unexpected-message",
        what: `message of mini-protocol ${miniProtocol}`,
        state,
      });
    }
    switch (miniProtocol) {
      case miniProtocols.handshake:
        this.#shakeHands(message);
        break;
      case miniProtocols.metrics:
        this.#tellMetrics(message);
        break;
      case miniProtocols.traceObjects:
        this.#takeTraceRequest(message);
        break;
      case miniProtocols.dataPoints:
        this.#tellDataPoints(message);
        break;
    }
  }

  #shakeHands(message: Uint8Array): void {
    const { side, magic, counts } = this.#options;
    if (side === "opener") readAnswer(message, magic);
    else {
      const { answer, refused } = answerProposal(message, magic);
      this.#send(miniProtocols.handshake, answer);
      if (refused !== undefined) {
        throw new ProtocolError({ code: "handshake-refused", by: "us", reason: refused });
      }
    }
    this.#hasShakenHands = true;
    counts.connections += 1;
  }

  #tellMetrics(message: Uint8Array): void {
    const request = decodeMetricsRequest(message);
    if (request.kind === "done") {
      this.#done();
      return;
    }
    const { counts, source } = this.#options;
    counts.metricsRequests += 1;
    this.#send(miniProtocols.metrics, encodeMetricsResponse(this.#metrics.answer(request, source.metrics)));
  }

  #tellDataPoints(message: Uint8Array): void {
    const request = decodeDataPointsRequest(message);
    if (request.kind === "done") {
      this.#done();
      return;
    }
    const { counts, source } = this.#options;
    counts.dataPointRequests += 1;
    const tell = () => {
      const points = request.names.map((name) => [name, source.dataPoints.get(name)] as const);
      this.#send(miniProtocols.dataPoints, encodeDataPointsReply(points));
    };
    const { dataPointsAfter } = this.#quirks;
    if (dataPointsAfter === undefined) tell();
    else void dataPointsAfter.then(tell, tell);
  }

  #takeTraceRequest(message: Uint8Array): void {
    const request = decodeTraceRequest(message);
    if (request.kind === "done") {
      this.#done();
      return;
    }
    this.#options.counts.requests += 1;
    this.#options.counts.objectsAsked += request.count;
    this.#answers.ask(request);
    this.#options.onChange?.();
  }

  /** Whether the peer takes more at once. */
  #reply(objects: readonly Uint8Array[]): boolean {
    const { counts, stream } = this.#options;
    const reply = encodeTraceReply(objects);
    counts.objectsSent += objects.length;
    counts.bytesSent += reply.length;
    this.#send(miniProtocols.traceObjects, reply);
    return !stream.writableNeedDrain;
  }

  #idle(): void {
    this.#options.onChange?.();
    if (this.#peerHasEnded) this.#options.stream.end();
  }

  #done(): void {
    this.#toldDone = true;
    this.#leave();
  }

  /** Ends our side after what was sent, and the connection with the peer's. */
  #leave(): void {
    const { stream } = this.#options;
    this.#deaf = true;
    this.#answers.stop();
    stream.end();
    const grace = setTimeout(() => stream.destroy(), graceMs);
    stream.once("close", () => clearTimeout(grace));
    if (stream.closed) clearTimeout(grace);
  }

  get #isSilent(): boolean {
    const { silentFrom } = this.#quirks;
    return silentFrom === "start" || (silentFrom === "handshake" && this.#hasShakenHands);
  }

  #send(miniProtocol: MiniProtocol, message: Uint8Array): void {
    const { stream, side, maxSegmentBytes } = this.#options;
    if (!stream.writable || this.#isSilent) return;
    const timeMicros = Math.trunc(performance.now() * 1_000) % 2 ** 32;
    this.#write(encodeSegments(side, miniProtocol, message, timeMicros, maxSegmentBytes));
  }

  #write(bytes: Uint8Array): void {
    if (this.#held !== undefined) {
      this.#held.push(bytes);
      return;
    }
    const now = bytes.subarray(0, this.#bytesUntilStall);
    this.#bytesUntilStall -= now.length;
    this.#writeNow(now);
    if (this.#bytesUntilStall > 0) return;
    this.#bytesUntilStall = Number.POSITIVE_INFINITY;
    this.#held = [bytes.subarray(now.length)];
  }

  #writeNow(bytes: Uint8Array): void {
    const { stream, onChange } = this.#options;
    const left = this.#bytesUntilCut;
    this.#bytesUntilCut -= bytes.length;
    if (bytes.length < left) {
      stream.write(bytes, () => onChange?.());
      return;
    }
    this.#deaf = true;
    this.#answers.stop();
    stream.end(bytes.subarray(0, left), () => stream.destroy());
  }
}
