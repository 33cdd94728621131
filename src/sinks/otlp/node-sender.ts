import { setTimeout as delay } from "node:timers/promises";
import type { Dropped } from "../sink.js";
import type { Outcome } from "./collector.js";
import { bytesOf, type EncodedRecords, encodeRequest } from "./log-records.js";

/** Queued records, and the callback for their outcome. */
export interface WaitingRecords extends EncodedRecords {
  settle(dropped: Dropped): void;
}

export interface NodeSenderOptions {
  /** Resource attributes; called for each request, because some become known later. */
  readonly resource: () => Readonly<Record<string, string>>;
  readonly version: string;
  readonly batchObjects: number;
  readonly batchBytes: number;
  /** How long a request waits for more records, in milliseconds. */
  readonly delayMs: number;
  readonly post: (message: readonly Uint8Array[], signal: AbortSignal) => Promise<Outcome>;
  readonly observer: SenderObserver;
  /** Called with the memory of records that are no longer read. */
  readonly giveBack: (memory: Buffer) => void;
  /** Ends attempts and pauses: what is still queued is given up. */
  readonly signal: AbortSignal;
  /** Random numbers from 0 to less than 1. @default Math.random */
  readonly random?: () => number;
}

export interface SenderObserver {
  sent(records: number, bytes: number): void;
  /** A request will be sent again. */
  retrying(reason: string, afterMs: number): void;
  /** All records were accepted, but the collector's answer has a message. */
  warned(message: string): void;
  /** This many records were rejected for good. */
  rejected(records: number, reason: string): void;
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** Sends the records of one node, one request at a time, so that they arrive in order. */
export class NodeSender {
  readonly #options: NodeSenderOptions;
  readonly #waiting: WaitingRecords[] = [];
  #running: Promise<void> | undefined;

  constructor(options: NodeSenderOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  send(records: WaitingRecords): void {
    this.#waiting.push(records);
    this.#running ??= this.#run();
  }

  /** Removes records that are in no request yet; returns whether they were. */
  takeBack(records: WaitingRecords): boolean {
    const index = this.#waiting.indexOf(records);
    if (index === -1) return false;
    this.#waiting.splice(index, 1);
    return true;
  }

  /** Resolves when nothing is queued or in flight. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    const { delayMs, signal } = this.#options;
    await delay(delayMs, undefined, { signal }).catch(() => {});
    for (;;) {
      const records = this.#next();
      if (records.length === 0) break;
      await this.#sendAll(records);
    }
    this.#running = undefined;
  }

  #next(): WaitingRecords[] {
    const { batchObjects, batchBytes } = this.#options;
    let [objects, bytes, end] = [0, 0, 0];
    for (; end < this.#waiting.length; end += 1) {
      objects += this.#waiting[end]!.count;
      bytes += this.#waiting[end]!.bytes.length;
      if (end > 0 && (objects > batchObjects || bytes > batchBytes)) break;
    }
    return this.#waiting.splice(0, end);
  }

  async #sendAll(records: readonly WaitingRecords[]): Promise<void> {
    const { resource, version, post, observer, giveBack, signal, random = Math.random } = this.#options;
    const count = records.reduce((sum, { count: own }) => sum + own, 0);
    let pauseMs = firstPauseMs;
    /** An earlier attempt may still be sending, although it was answered. */
    let isFirst = true;
    while (!signal.aborted) {
      const message = encodeRequest(resource(), version, records);
      const outcome = await post(message, signal);
      if (outcome.kind === "accepted") {
        if (outcome.isSent && isFirst) for (const { memory } of records) giveBack(memory);
        // Some collectors claim to have rejected more than they were sent.
        const rejected = Math.max(0, Math.min(count, Math.trunc(outcome.rejected) || 0));
        observer.sent(count - rejected, bytesOf(message));
        if (rejected > 0) observer.rejected(rejected, outcome.reason);
        else if (outcome.reason !== "") observer.warned(outcome.reason);
        settle(records, "rejected", rejected);
        return;
      }
      if (outcome.kind === "refused") {
        observer.rejected(count, outcome.reason);
        settle(records, "rejected", count);
        return;
      }
      if (signal.aborted) break;
      isFirst = false;
      const afterMs = Math.max(outcome.afterMs ?? 0, pauseMs * (0.5 + random()));
      observer.retrying(outcome.reason, afterMs);
      await delay(afterMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
    }
    settle(records, "stopped", count);
  }
}

/** Distributes `lost` over the records, no matter which: all are of one node, and only the number is known. */
function settle(records: readonly WaitingRecords[], reason: "rejected" | "stopped", lost: number): void {
  let left = lost;
  for (const waiting of records) {
    const own = Math.min(left, waiting.count);
    left -= own;
    waiting.settle(own === 0 ? {} : { [reason]: own });
  }
}
