import type { Duplex } from "node:stream";
import { decodeDataPointsRequest, encodeDataPointsReply } from "../protocol/data-points.js";
import { ProtocolError } from "../protocol/faults.js";
import { answerProposal, encodeProposal, maxHandshakeBytes, readAnswer } from "../protocol/handshake.js";
import { MessageAssembler } from "../protocol/message-assembler.js";
import { decodeMetricsRequest, encodeMetricsResponse } from "../protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import { Demux, encodeSegments, type Side } from "../protocol/mux.js";
import { decodeTraceRequest, encodeTraceReply } from "../protocol/trace-messages.js";
import { AnswersInTurn } from "./answers-in-turn.js";
import type { ForwarderCounts } from "./counts.js";
import { OnePerTurn } from "./one-per-turn.js";
import { SentMetrics } from "./sent-metrics.js";
import type { SessionHook } from "./session-hook.js";
import type { ForwarderSource } from "./source.js";

/** A tracer's requests are short. */
const maxRequestBytes = 1_048_576;
/** Most unanswered requests for trace objects. */
const maxRequestsAhead = 4_096;
/** Most unanswered requests for metrics or data points; real tracers wait for each answer. */
const maxAskedAhead = 64;
/** Most data points in one request; real tracers ask for a few at a time. */
const maxNames = 100;
/**
 * A tracer that has left more bytes of metrics and data points unread may not ask for more. Trace objects do not count: a tracer may
 * ask for many.
 */
const maxUnreadBytes = 16 * 1_048_576;
/** How long a tracer may take to read our last bytes and end its side. */
const graceMs = 2_000;

export interface SessionOptions {
  /** Owned by the session from now on. */
  readonly stream: Duplex;
  /** Which end of the connection this is: the opener proposes in the handshake. */
  readonly side: Side;
  readonly magic: number;
  /** Called once, after the handshake. */
  readonly openSource: () => ForwarderSource;
  /** Updated in place, so that the counts can outlive the connection. */
  readonly counts: ForwarderCounts;
  /** Called whenever `isFinished` may have changed. */
  readonly onChange: () => void;
  /** Called at once when a handshake is refused, or the tracer breaks the protocol: the connection may take a while to end. */
  readonly onFault: (error: ProtocolError) => void;
  /** Most bytes of payload in a segment. @default 12,288, like real nodes */
  readonly maxSegmentBytes?: number | undefined;
  readonly hook?: SessionHook | undefined;
}

/** How a connection ended: by the peer's *done*, after which a real node does not reconnect, or otherwise. */
export interface SessionEnd {
  readonly wasDone: boolean;
}

/** One mini-protocol of a session. */
interface Served {
  receive(payload: Uint8Array): void;
}

/** The forwarder's side of one connection: answers requests in order, like real nodes. */
export class ForwarderSession {
  /** Resolves when the connection is gone and nothing more is answered. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  readonly #options: SessionOptions;
  readonly #hook: SessionHook;
  readonly #demux: Demux;
  readonly #served: Readonly<Record<MiniProtocol, Served>>;
  readonly #metrics = new SentMetrics();
  #state: "handshaking" | "connected" | "leaving" = "handshaking";
  /** Set after the handshake. */
  #forwarding: { readonly source: ForwarderSource; readonly answers: AnswersInTurn } | undefined;
  #dataPointsSent = Promise.resolve();
  readonly #asked = new OnePerTurn(maxAskedAhead);
  /** Answers with metrics and data points that the peer has not read. */
  #unreadBytes = 0;
  #peerHasEnded = false;
  #lingering: NodeJS.Timeout | undefined;
  #wasDone = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#hook = options.hook ?? {};
    this.#demux = new Demux(options.side === "opener" ? "listener" : "opener");
    const { handshake, metrics, traceObjects, dataPoints } = miniProtocols;
    this.#served = {
      [handshake]: this.#serve(handshake, "a handshake message", maxHandshakeBytes, (message) =>
        this.#shakeHands(message),
      ),
      [metrics]: this.#serve(metrics, "a metrics request", maxRequestBytes, (message) =>
        this.#answerMetrics(message),
      ),
      [traceObjects]: this.#serve(traceObjects, "a trace-object request", maxRequestBytes, (message) =>
        this.#answerTraces(message),
      ),
      [dataPoints]: this.#serve(dataPoints, "a data-point request", maxRequestBytes, (message) =>
        this.#answerDataPoints(message),
      ),
    };
    this.ended = this.#run();
  }

  /**
   * Whether the source is over, all its objects were sent, and the tracer has asked for more since then, or ended its side in
   * order. If it asks for one reply at a time, everything is then safe.
   */
  get isFinished(): boolean {
    const { stream } = this.#options;
    if (this.#state !== "connected" || !stream.writable || stream.writableLength > 0) return false;
    const { source, answers } = this.#forwarding!;
    return source.isOver && (answers.open > 0 || this.#peerHasEnded);
  }

  /** Ends the connection once pending answers are sent; closes it by force if the peer does not end its side in time. */
  async close(): Promise<void> {
    this.#leave();
    await this.ended;
  }

  async #run(): Promise<SessionEnd> {
    const { stream, side, magic } = this.#options;
    stream.on("error", () => {});
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.on("drain", () => this.#forwarding?.answers.resume());
    // A tracer that stops ends its side; its requests are answered with the objects that are available.
    stream.once("end", () => {
      this.#peerHasEnded = true;
      if (this.#forwarding === undefined) stream.end();
      else this.#forwarding.answers.stopWaiting();
    });
    if (side === "opener") this.#send(miniProtocols.handshake, encodeProposal(magic));
    if (!stream.closed) await new Promise((resolve) => stream.once("close", resolve));
    clearTimeout(this.#lingering);
    this.#forwarding?.answers.stop();
    this.#forwarding?.source.release?.();
    return { wasDone: this.#wasDone };
  }

  #receive(chunk: Uint8Array): void {
    if (this.#state === "leaving") return;
    this.#guard(() =>
      this.#demux.push(chunk, (miniProtocol, payload) => this.#served[miniProtocol].receive(payload)),
    );
  }

  /** A peer that breaks the protocol loses its own connection. */
  #guard(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { counts, onFault } = this.#options;
      if (error.fault.code === "handshake-refused") counts.refusals += 1;
      else counts.faults += 1;
      onFault(error);
      this.#leave();
    }
  }

  #serve(
    miniProtocol: MiniProtocol,
    what: string,
    maxBytes: number,
    handle: (message: Uint8Array) => void,
  ): Served {
    const assembler = new MessageAssembler({ what, maxBytes });
    const expectedIn = miniProtocol === miniProtocols.handshake ? "handshaking" : "connected";
    const take = (message: Uint8Array) => {
      if (this.#state === "leaving") return;
      if (this.#state !== expectedIn)
        throw new ProtocolError({ code: "unexpected-message", what, state: this.#state });
      handle(message);
    };
    return {
      receive: (payload) => {
        for (const message of assembler.push(payload)) {
          const wait = this.#hook.before?.(miniProtocol);
          if (wait === undefined) take(message);
          else void wait.then(() => this.#guard(() => take(message)));
        }
      },
    };
  }

  #shakeHands(message: Uint8Array): void {
    const { side, magic, counts, openSource } = this.#options;
    if (side === "opener") readAnswer(message, magic, "forwarder");
    else {
      const { answer, refused } = answerProposal(message, magic, "forwarder");
      this.#send(miniProtocols.handshake, answer);
      if (refused !== undefined)
        throw new ProtocolError({ code: "handshake-refused", by: "us", reason: refused });
    }
    this.#state = "connected";
    counts.connections += 1;
    const source = openSource();
    const answers = new AnswersInTurn({
      source,
      canReply: () => this.#options.stream.writable,
      reply: (objects) => this.#reply(objects),
      onIdle: () => this.#idle(),
    });
    this.#forwarding = { source, answers };
  }

  #answerMetrics(message: Uint8Array): void {
    const request = decodeMetricsRequest(message);
    if (request.kind === "done") {
      this.#done();
      return;
    }
    this.#inTurn("a metrics request", () => {
      this.#options.counts.metricsRequests += 1;
      const metrics = this.#metrics.answer(request, this.#forwarding!.source.metrics);
      this.#answer(miniProtocols.metrics, encodeMetricsResponse(metrics));
    });
  }

  #answerDataPoints(message: Uint8Array): void {
    const request = decodeDataPointsRequest(message);
    if (request.kind === "done") {
      this.#done();
      return;
    }
    const { names } = request;
    if (names.length > maxNames) {
      const [expected, found] = [`${maxNames} names at most`, `${names.length}`];
      throw new ProtocolError({ code: "malformed", what: "a data-point request", expected, found });
    }
    this.#inTurn("a data-point request", () => this.#sendDataPoints(names));
  }

  #sendDataPoints(names: readonly string[]): void {
    this.#options.counts.dataPointRequests += 1;
    const { source } = this.#forwarding!;
    if (source.askDataPoints === undefined) {
      const points = names.map((name) => [name, source.dataPoints.get(name)] as const);
      this.#answer(miniProtocols.dataPoints, encodeDataPointsReply(points));
      return;
    }
    const asked = source.askDataPoints(names);
    // Answers go out in the order of the requests.
    this.#dataPointsSent = this.#dataPointsSent.then(async () => {
      const points = await asked;
      if (this.#state === "connected") this.#answer(miniProtocols.dataPoints, encodeDataPointsReply(points));
    });
  }

  /** Limits a peer that keeps asking, perhaps without reading: it would take our time and fill our memory with answers. */
  #inTurn(what: string, answer: () => void): void {
    const isUnread = () => this.#unreadBytes > maxUnreadBytes;
    const refusal = (state: string) => new ProtocolError({ code: "unexpected-message", what, state });
    const unread = `more than ${maxUnreadBytes} bytes of answers are unread`;
    if (isUnread()) throw refusal(unread);
    const isAccepted = this.#asked.run(() => {
      if (this.#state !== "connected") return;
      this.#guard(() => {
        if (isUnread()) throw refusal(unread);
        answer();
      });
    });
    if (!isAccepted) throw refusal(`${maxAskedAhead} requests have no answer yet`);
  }

  #answer(miniProtocol: MiniProtocol, message: Uint8Array): void {
    this.#unreadBytes += message.length;
    this.#send(miniProtocol, message, () => {
      this.#unreadBytes -= message.length;
    });
  }

  #answerTraces(message: Uint8Array): void {
    const request = decodeTraceRequest(message);
    if (request.kind === "done") {
      this.#done();
      return;
    }
    const { counts, onChange } = this.#options;
    const { answers } = this.#forwarding!;
    if (answers.open === maxRequestsAhead) {
      const state = `${maxRequestsAhead} requests have no answer yet`;
      throw new ProtocolError({ code: "unexpected-message", what: "a trace-object request", state });
    }
    counts.requests += 1;
    counts.objectsAsked += request.count;
    answers.add(request);
    onChange();
  }

  /** Whether another reply may be sent at once. */
  #reply(objects: readonly Uint8Array[]): boolean {
    const { counts, stream } = this.#options;
    const reply = encodeTraceReply(objects);
    counts.objectsSent += objects.length;
    counts.bytesSent += reply.length;
    this.#send(miniProtocols.traceObjects, reply);
    return !stream.writableNeedDrain;
  }

  #idle(): void {
    const { stream, onChange } = this.#options;
    onChange();
    if (!this.#peerHasEnded) return;
    if (this.#hook.lingerMs === undefined) stream.end();
    else this.#lingering ??= setTimeout(() => stream.end(), this.#hook.lingerMs);
  }

  #done(): void {
    this.#wasDone = true;
    this.#leave();
  }

  /** Ends our side once everything is sent; the connection ends with the peer's side. */
  #leave(): void {
    const { stream } = this.#options;
    this.#state = "leaving";
    this.#forwarding?.answers.stop();
    stream.end();
    if (stream.closed) return;
    // Does not keep the process alive by itself: while the connection does, it fires.
    const grace = setTimeout(() => stream.destroy(), graceMs).unref();
    stream.once("close", () => clearTimeout(grace));
  }

  /** `onSent` is called when the connection has accepted the message. */
  #send(miniProtocol: MiniProtocol, message: Uint8Array, onSent: () => void = () => {}): void {
    const wait = this.#hook.before?.(miniProtocol);
    if (wait === undefined) this.#sendNow(miniProtocol, message, onSent);
    else void wait.then(() => this.#sendNow(miniProtocol, message, onSent));
  }

  #sendNow(miniProtocol: MiniProtocol, message: Uint8Array, onSent: () => void): void {
    const { stream, side, maxSegmentBytes, onChange } = this.#options;
    if (!stream.writable) return;
    const timeMicros = Math.trunc(performance.now() * 1_000) % 2 ** 32;
    const bytes = encodeSegments(side, miniProtocol, message, timeMicros, maxSegmentBytes);
    const onTaken = () => {
      onSent();
      onChange();
    };
    if (this.#hook.write === undefined) stream.write(bytes, onTaken);
    else this.#hook.write(bytes, onTaken);
  }
}
