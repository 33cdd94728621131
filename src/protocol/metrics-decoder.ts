import { breakByte, headBytes, incomplete, indefinite, major, passHead, readHead } from "./cbor-head.js";
import { CborReader } from "./cbor-reader.js";
import { ProtocolError } from "./faults.js";
import { ItemScanner } from "./item-scanner.js";
import { type AnswerReceiver, metricsMessage, readMetric } from "./metrics.js";

const what = "a metrics answer";

/** Most bytes of one metric, its name and its value. */
const maxMetricBytes = 64 * 1_024;
/** An answer this many times longer than the limit is a fault. */
const patience = 16;

/** In place of the number of metrics left, for a list that ends with a break. */
const untilBreak = Number.POSITIVE_INFINITY;

/** Used while nothing is kept: most connections wait most of the time. */
const noBytes = Buffer.alloc(0);

export interface MetricsDecoderOptions {
  /** The surplus of a longer answer is skipped and counted. */
  readonly maxAnswerBytes: number;
  /** Called when an answer begins; returns what takes its metrics. */
  readonly onAnswer: () => AnswerReceiver;
  /** Called when the answer has ended, after its receiver was told. */
  readonly onAnswered?: () => void;
  /** Called with the change in memory of an unfinished metric; `push` throws what it throws. */
  readonly onGrowth?: (deltaBytes: number) => void;
}

/**
 * Decodes mini-protocol 1 as a forwarder speaks it: `[1, [0, [[name, value], …]]]`, again and again. Each metric is passed
 * on as soon as it is whole: so an answer takes no memory, and a long one is processed in pieces.
 */
export class MetricsDecoder {
  readonly #options: MetricsDecoderOptions;
  readonly #scanner = new ItemScanner({ what: "a metric", maxBytes: maxMetricBytes });
  /** The start of an unfinished metric or head; spare memory may follow it. */
  #kept = noBytes;
  #keptLength = 0;
  #reportedBytes = 0;
  /** Undefined between answers. */
  #receiver: AnswerReceiver | undefined;
  /** Metrics left in the current answer. */
  #left = 0;
  /** Bytes of the current answer so far, without an unfinished metric. */
  #answerBytes = 0;

  constructor(options: MetricsDecoderOptions) {
    this.#options = options;
  }

  /** Reads bytes of the mini-protocol. @throws ProtocolError, after passing on what came before the fault */
  push(piece: Uint8Array): void {
    const bytes = this.#joined(piece);
    let at = 0;
    while (at < bytes.length) {
      const next =
        this.#receiver === undefined ? this.#begin(bytes, at) : this.#metrics(bytes, at, this.#receiver);
      if (next === at) break;
      at = next;
    }
    this.#keep(bytes, at);
  }

  /** Whether an answer has begun and not ended. */
  get midAnswer(): boolean {
    return this.#receiver !== undefined || this.#keptLength > 0;
  }

  /** Reads an answer's head; returns the same position if part of it is missing. */
  #begin(bytes: Buffer, from: number): number {
    const end = bytes.length;
    let at = passHead(bytes, from, end, major.array, 2, what);
    at = passHead(bytes, at, end, major.uint, metricsMessage.response, what);
    at = passHead(bytes, at, end, major.array, 2, what);
    at = passHead(bytes, at, end, major.uint, 0, what);
    if (at === incomplete || at >= end) return from;
    if (bytes[at] === indefinite.array) {
      this.#left = untilBreak;
      at += 1;
    } else {
      const count = readHead(bytes, at, end, major.array, what);
      if (count === incomplete) return from;
      this.#left = count;
      at += headBytes(bytes[at]!);
    }
    this.#answerBytes = 0;
    this.#scanner.begin(at);
    this.#receiver = this.#options.onAnswer();
    if (this.#left === 0) this.#end(this.#receiver);
    return at;
  }

  /** Reads the whole metrics that come next, and the end of the answer; returns the position after them. */
  #metrics(bytes: Buffer, from: number, receiver: AnswerReceiver): number {
    let count = 0;
    let at = from;
    try {
      while (count < this.#left && at < bytes.length && !this.#isBroken(bytes, at)) {
        const metricEnd = this.#scanner.scan(bytes, bytes.length);
        if (metricEnd === incomplete) break;
        at = metricEnd;
        count += 1;
        this.#scanner.begin(at);
      }
    } finally {
      // Metrics before the bad bytes are valid.
      this.#take(bytes.subarray(from, at), count, receiver);
    }
    const isBroken = this.#isBroken(bytes, at);
    if (this.#left !== 0 && !isBroken) return at;
    this.#end(receiver);
    return isBroken ? at + 1 : at;
  }

  /** Whether the list ends here with a break. */
  #isBroken(bytes: Buffer, at: number): boolean {
    return this.#left === untilBreak && bytes[at] === breakByte;
  }

  #take(metrics: Buffer, count: number, receiver: AnswerReceiver): void {
    const { maxAnswerBytes } = this.#options;
    this.#left -= count;
    this.#answerBytes += metrics.length;
    if (this.#answerBytes > patience * maxAnswerBytes)
      throw new ProtocolError({ code: "too-long", what, limit: patience * maxAnswerBytes });
    const allowedBytes = maxAnswerBytes - (this.#answerBytes - metrics.length);
    const reader = new CborReader(metrics, what);
    let left = count;
    for (; left > 0 && reader.position < allowedBytes; left -= 1) readMetric(reader, receiver);
    if (left > 0) receiver.surplus(left);
  }

  #end(receiver: AnswerReceiver): void {
    this.#receiver = undefined;
    receiver.end();
    this.#options.onAnswered?.();
  }

  /** What was kept, followed by the piece; the piece alone if nothing was kept. */
  #joined(piece: Uint8Array): Buffer {
    if (this.#keptLength === 0) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const length = this.#keptLength + piece.length;
    if (length > this.#kept.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#keptLength));
      grown.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = grown;
    }
    this.#kept.set(piece, this.#keptLength);
    return this.#kept.subarray(0, length);
  }

  /** Keeps the bytes from `at` on, which belong to something unfinished. */
  #keep(bytes: Buffer, at: number): void {
    const length = bytes.length - at;
    this.#scanner.moveToStart();
    if (length === 0) this.#kept = noBytes;
    // In place, if the piece was appended to bytes that were kept.
    else if (at > 0 || this.#keptLength === 0) this.#kept = Buffer.from(bytes.subarray(at));
    this.#keptLength = length;
    const growth = this.#kept.length - this.#reportedBytes;
    this.#reportedBytes += growth;
    if (growth !== 0) this.#options.onGrowth?.(growth);
  }
}
