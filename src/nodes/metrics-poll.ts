import { MessageAssembler } from "../protocol/message-assembler.js";
import { encodeMetricsRequest, type MetricsTaker, readMetricsResponse } from "../protocol/metrics.js";

/**
 * Nodes are asked on common beats: to wake up for each by itself costs more than the metrics themselves. With a
 * thousand nodes the answers of one beat are some milliseconds of work.
 */
const longestBeatMs = 250;

const requests = {
  all: encodeMetricsRequest({ kind: "all" }),
  updated: encodeMetricsRequest({ kind: "updated" }),
};

/** How often a node is asked for metrics, and for which. */
export interface MetricsPace {
  /** Pause between an answer and the next request; up to a quarter of it less, to meet a common beat. */
  readonly pauseMs: number;
  /** Ask for all metrics each time instead of those changed since the last request. */
  readonly full: boolean;
}

export interface MetricsPollOptions {
  readonly pace: MetricsPace;
  readonly maxAnswerBytes: number;
  /** A request unanswered for this long, without any other byte from the peer, means that it is gone. */
  readonly silenceMs: number;
  readonly send: (message: Uint8Array) => void;
  /** For how long we have been reading without a byte coming; 0 while we do not read: that silence is our own. */
  readonly quietMs: () => number;
  /** The time from a request to its answer; nodes answer this one at once. */
  readonly onRoundTrip: (milliseconds: number) => void;
  /** Says who takes the metrics of an answer that has come, of everything or of what has changed. */
  readonly onAnswer: (whole: boolean) => MetricsTaker;
  readonly onSilence: () => void;
}

/** Mini-protocol 1 of one connection: asks for metrics every so often, and notices by it that a peer is gone. */
export class MetricsPoll {
  readonly #options: MetricsPollOptions;
  readonly #answers: MessageAssembler;
  #pace: MetricsPace;
  #timer: NodeJS.Timeout | undefined;
  #asked: keyof typeof requests | undefined;
  #askedAt = 0;
  /** What to ask next: first of all everything, as a node only sends a constant metric when it is asked for all. */
  #next: keyof typeof requests = "all";
  #ended = false;
  #onSignOfLife: (() => void)[] = [];

  constructor(options: MetricsPollOptions) {
    this.#options = options;
    this.#pace = options.pace;
    this.#answers = new MessageAssembler({ what: "a metrics answer", maxBytes: options.maxAnswerBytes });
  }

  start(): void {
    this.#ask();
  }

  /**
   * Takes bytes of the mini-protocol. An answer nobody asked for is taken as news, like any other.
   * @throws ProtocolError
   */
  receive(bytes: Uint8Array): void {
    for (const message of this.#answers.push(bytes)) {
      const asked = this.#asked;
      this.#asked = undefined;
      if (asked !== undefined) {
        this.#next = this.#pace.full ? "all" : "updated";
        this.#options.onRoundTrip(performance.now() - this.#askedAt);
      }
      readMetricsResponse(message, this.#options.onAnswer(asked === "all"));
      for (const answered of this.#onSignOfLife.splice(0)) answered();
      this.#askLater();
    }
  }

  /** Resolves whether the peer gives a sign of life within `timeoutMs`; a request is sent now unless one is under way. */
  async probe(timeoutMs: number): Promise<boolean> {
    if (this.#ended) return false;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(!this.#ended && this.#options.quietMs() < timeoutMs), timeoutMs);
      this.#onSignOfLife.push(() => {
        clearTimeout(timer);
        resolve(!this.#ended);
      });
      if (this.#asked === undefined) this.#ask();
    });
  }

  /** From now on; a pause under way begins anew. */
  setPace(pace: MetricsPace): void {
    this.#pace = pace;
    if (this.#timer !== undefined && this.#asked === undefined) this.#askLater();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const answered of this.#onSignOfLife.splice(0)) answered();
  }

  #ask(): void {
    if (this.#ended) return;
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
    this.#arm(Math.ceil(at - now), () => this.#ask());
  }

  #watch(delayMs: number): void {
    this.#arm(delayMs, () => {
      const { quietMs, silenceMs, onSilence } = this.#options;
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
