import { ProtocolError } from "../protocol/faults.js";
import { type AnswerReceiver, encodeMetricsRequest } from "../protocol/metrics.js";
import { MetricsDecoder } from "../protocol/metrics-decoder.js";
import { FewInTurn } from "../transport/few-in-turn.js";
import type { MiniProtocolSide } from "./mini-protocol-side.js";

/**
 * Nodes are asked at common times: waking up for each one separately costs more than the metrics themselves. With a
 * thousand nodes the answers at one such time are some milliseconds of work; the requests take longer and are sent in parts.
 */
const longestBeatMs = 250;
const asking = new FewInTurn(128);
/** Some forwarders have no metrics and never answer; they are not asked forever. */
const mostUnanswered = 3;

/**
 * The first unrequested answer is accepted. A few short ones may follow, and are skipped: a recorded stream
 * that is sent without listening has them. More is deliberate.
 */
const mostUnasked = 16;
const mostUnaskedBytes = 64 * 1_024;

const ignoring: AnswerReceiver = { number: () => {}, label: () => {}, surplus: () => {}, end: () => {} };

const requests = {
  all: encodeMetricsRequest({ kind: "all" }),
  updated: encodeMetricsRequest({ kind: "updated" }),
};

/** How often a node is asked for metrics, and for which. */
export interface MetricsPace {
  /** Pause between an answer and the next request; up to a quarter of it less, to meet a common time. */
  readonly pauseMs: number;
  /** Ask for all metrics each time instead of those changed since the last request. */
  readonly full: boolean;
}

export interface MetricsPollOptions {
  readonly pace: MetricsPace;
  /** Most metrics of an answer; the rest is skipped and counted. */
  readonly maxAnswerBytes: number;
  /**
   * A request unanswered for this long, without any other byte from the peer, means that it is gone; for a peer that has
   * never answered one, it means nothing.
   */
  readonly silenceMs: number;
  readonly send: (message: Uint8Array) => void;
  /** How long we have been reading without receiving a byte; 0 while we do not read: that silence is our own. */
  readonly quietMs: () => number;
  /** The time from a request to its answer; nodes answer this one at once. */
  readonly onRoundTrip: (milliseconds: number) => void;
  /** Returns the receiver for the metrics of a new answer, with all metrics or the changed ones. */
  readonly onAnswer: (whole: boolean) => AnswerReceiver;
  readonly onSilence: () => void;
  /** Called with the change in memory of an unfinished answer; what it throws, `receive` throws. */
  readonly onGrowth?: (deltaBytes: number) => void;
}

/** Mini-protocol 1 of one connection: asks for metrics regularly, and so notices that a peer is gone. */
export class MetricsPoll implements MiniProtocolSide {
  readonly #options: MetricsPollOptions;
  readonly #decoder: MetricsDecoder;
  #pace: MetricsPace;
  #timer: NodeJS.Timeout | undefined;
  /** Requests without an answer. */
  #open = 0;
  #asked: keyof typeof requests = "all";
  #askedAt = 0;
  /** What to request next: first everything, as a node sends a constant metric only when asked for all. */
  #next: keyof typeof requests = "all";
  #hasAnswered = false;
  /** Unrequested answers. */
  #unasked = 0;
  /** Bytes since the second of them, while one is arriving. */
  #unaskedBytes = 0;
  #isUnaskedComing = false;
  #ended = false;

  constructor(options: MetricsPollOptions) {
    this.#options = options;
    this.#pace = options.pace;
    this.#decoder = new MetricsDecoder({
      maxAnswerBytes: options.maxAnswerBytes,
      onAnswer: () => this.#answerBegins(),
      // The next request follows the end of an answer, however long that takes.
      onAnswered: () => this.#askLater(),
      ...(options.onGrowth === undefined ? {} : { onGrowth: options.onGrowth }),
    });
  }

  start(): void {
    this.#ask();
  }

  /** @throws ProtocolError with code `unexpected-message` also for too many unrequested answers */
  receive(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    if (!this.#isUnaskedComing || this.#unasked === 1) return;
    this.#unaskedBytes += bytes.length;
    if (this.#unaskedBytes > mostUnaskedBytes) throw tooMuchUnasked();
    this.#isUnaskedComing = this.#decoder.midAnswer;
  }

  /** Sends a request now, unless one is under way: a living peer answers. */
  probe(): void {
    if (this.#open === 0) this.#ask();
  }

  /** Whether silence means something: the peer has answered before. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Applies from now on; a current pause starts again. */
  setPace(pace: MetricsPace): void {
    this.#pace = pace;
    if (this.#timer !== undefined && this.#open === 0) this.#askLater();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #answerBegins(): AnswerReceiver {
    const wasAsked = this.#open > 0;
    this.#isUnaskedComing = !wasAsked;
    if (wasAsked) {
      if (this.#open === 1) this.#options.onRoundTrip(performance.now() - this.#askedAt);
      this.#open -= 1;
      this.#next = this.#pace.full ? "all" : "updated";
    } else {
      this.#unasked += 1;
      if (this.#unasked > mostUnasked) throw tooMuchUnasked();
      if (this.#unasked > 1) return ignoring;
    }
    this.#hasAnswered = true;
    return this.#options.onAnswer(wasAsked && this.#asked === "all");
  }

  #ask(): void {
    if (this.#ended) return;
    this.#open += 1;
    this.#asked = this.#next;
    this.#askedAt = performance.now();
    this.#options.send(requests[this.#asked]);
    this.#watch(this.#options.silenceMs);
  }

  #askLater(): void {
    const { pauseMs } = this.#pace;
    const beatMs = Math.min(longestBeatMs, pauseMs / 4);
    const now = performance.now();
    const at = Math.floor((now + pauseMs) / beatMs) * beatMs;
    this.#arm(Math.ceil(at - now), () => this.#askInTurn());
  }

  /** Unless the pause has begun again, or a probe was sent meanwhile. */
  #askInTurn(): void {
    const due = this.#timer;
    asking.add(() => {
      if (this.#timer === due) this.#ask();
    });
  }

  #watch(delayMs: number): void {
    this.#arm(delayMs, () => {
      const { quietMs, silenceMs, onSilence } = this.#options;
      if (!this.#hasAnswered) {
        if (this.#open < mostUnanswered) this.#ask();
        return;
      }
      const quiet = quietMs();
      if (quiet >= silenceMs) onSilence();
      else this.#watch(silenceMs - quiet);
    });
  }

  #arm(delayMs: number, action: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = setTimeout(action, delayMs);
  }
}

function tooMuchUnasked(): ProtocolError {
  const state = "none is asked for";
  return new ProtocolError({ code: "unexpected-message", what: "metrics answer", state });
}
