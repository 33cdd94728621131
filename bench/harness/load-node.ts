import type { Duplex } from "node:stream";
import { decodeDataPointsRequest, encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal, maxHandshakeBytes } from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { decodeMetricsRequest, encodeMetricsResponse, type MetricValue } from "../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments } from "../../src/protocol/mux.js";
import { decodeTraceRequest } from "../../src/protocol/trace-messages.js";
import { networkMagic } from "./load-plan.js";

const maxRequestBytes = 4_096;
/** The most that a paced node catches up after its timer was late. */
const longestDelayMs = 5;

/** What all nodes of a load send; created once, so that sending costs nothing. */
export interface LoadAnswers {
  /** A complete reply with its segments. */
  readonly reply: Uint8Array;
  /** Objects in it, and in each request. */
  readonly requestCount: number;
  /** Minimum time between two replies of a node; 0: none. */
  readonly replyPauseMs: number;
  readonly allMetrics: Uint8Array;
  readonly changedMetrics: Uint8Array;
}

export interface LoadNodeOptions {
  /** To a tracer that listens. */
  readonly stream: Duplex;
  readonly name: string;
  readonly answers: LoadAnswers;
  /** The tracer has asked for trace objects. */
  readonly onAsked: () => void;
  /** The tracer did something that does not fit a load. */
  readonly onFault: (reason: string) => void;
}

/** Answers to metrics requests of a node with this many metrics, a tenth of which changes between two requests. */
export function metricsAnswers(count: number): Pick<LoadAnswers, "allMetrics" | "changedMetrics"> {
  const metrics = Array.from({ length: count }, (_, index): [string, MetricValue] => [
    `Forge.metric-${index}.int`,
    { kind: "gauge", value: BigInt(index) },
  ]);
  return {
    allMetrics: segments(miniProtocols.metrics, encodeMetricsResponse(metrics)),
    changedMetrics: segments(
      miniProtocols.metrics,
      encodeMetricsResponse(metrics.slice(0, Math.ceil(count / 10))),
    ),
  };
}

/** The cheapest possible node: holds back every object until it is told to send, and then sends replies made in advance. */
export class LoadNode {
  readonly #options: LoadNodeOptions;
  readonly #demux = new Demux("listener");
  readonly #assemblers = {
    [miniProtocols.handshake]: assembler(maxHandshakeBytes),
    [miniProtocols.metrics]: assembler(maxRequestBytes),
    [miniProtocols.traceObjects]: assembler(maxRequestBytes),
    [miniProtocols.dataPoints]: assembler(maxRequestBytes),
  };
  #asked = 0;
  #repliesLeft = 0;
  #nextReplyAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #onGiven: (() => void) | undefined;

  constructor(options: LoadNodeOptions) {
    this.#options = options;
    options.stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    options.stream.write(segments(miniProtocols.handshake, encodeProposal(networkMagic)));
  }

  /**
   * Sends this many replies as it is asked for them; resolves when the socket has accepted the last, with how many requests
   * waited at the beginning.
   */
  async give(replies: number): Promise<number> {
    const requestsWaiting = this.#asked;
    this.#repliesLeft = replies;
    await new Promise<void>((resolve) => {
      this.#onGiven = resolve;
      this.#answerWaiting();
    });
    return requestsWaiting;
  }

  #receive(chunk: Uint8Array): void {
    this.#demux.push(chunk, (miniProtocol, payload) => {
      for (const message of this.#assemblers[miniProtocol].push(payload)) this.#answer(miniProtocol, message);
    });
  }

  #answer(miniProtocol: MiniProtocol, message: Uint8Array): void {
    switch (miniProtocol) {
      case miniProtocols.traceObjects:
        this.#answerTraces(message);
        break;
      case miniProtocols.metrics:
        this.#answerMetrics(message);
        break;
      case miniProtocols.dataPoints:
        this.#answerDataPoints(message);
        break;
    }
  }

  #answerTraces(message: Uint8Array): void {
    const { onAsked, onFault, answers } = this.#options;
    const request = decodeTraceRequest(message);
    if (request.kind === "done") onFault("the tracer said done");
    else if (request.count !== answers.requestCount)
      onFault(`the tracer asked for ${request.count} objects at once`);
    this.#asked += 1;
    onAsked();
    this.#answerWaiting();
  }

  #answerMetrics(message: Uint8Array): void {
    const { stream, answers } = this.#options;
    const { kind } = decodeMetricsRequest(message);
    if (kind !== "done") stream.write(kind === "all" ? answers.allMetrics : answers.changedMetrics);
  }

  #answerDataPoints(message: Uint8Array): void {
    const request = decodeDataPointsRequest(message);
    if (request.kind === "done") return;
    const reply = encodeDataPointsReply(
      request.names.map((name) => [name, name === "NodeInfo" ? nodeInfo(this.#options.name) : undefined]),
    );
    this.#options.stream.write(segments(miniProtocols.dataPoints, reply));
  }

  /** Answers the waiting requests, as many as the node's own pace now allows. */
  #answerWaiting(): void {
    if (this.#timer !== undefined) return;
    const { stream, answers } = this.#options;
    while (this.#asked > 0 && this.#repliesLeft > 0) {
      if (answers.replyPauseMs > 0) {
        const now = performance.now();
        if (now < this.#nextReplyAt) {
          this.#answerLater(this.#nextReplyAt - now);
          return;
        }
        this.#nextReplyAt = Math.max(this.#nextReplyAt, now - longestDelayMs) + answers.replyPauseMs;
      }
      this.#asked -= 1;
      this.#repliesLeft -= 1;
      if (this.#repliesLeft > 0) stream.write(answers.reply);
      else stream.write(answers.reply, () => this.#onGiven?.());
    }
  }

  #answerLater(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#answerWaiting();
    }, delayMs);
  }
}

function assembler(maxBytes: number): MessageAssembler {
  return new MessageAssembler({ what: "a request", maxBytes });
}

function segments(miniProtocol: MiniProtocol, message: Uint8Array): Uint8Array {
  return encodeSegments("opener", miniProtocol, message, 0);
}

function nodeInfo(name: string): Uint8Array {
  const time = "2026-02-16T09:30:01Z";
  const info = {
    niName: name,
    niProtocol: "Conway; Praos",
    niVersion: "10.5.0",
    niCommit: "0123456789abcdef",
    niStartTime: time,
    niSystemStartTime: time,
  };
  return Buffer.from(JSON.stringify(info));
}
