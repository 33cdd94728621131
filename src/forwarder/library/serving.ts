import { settledWithin } from "../../base/deadline.js";
import type { LinkAddress } from "../../transport/address.js";
import { BackOff, type BackOffLimits } from "../back-off.js";
import { backgroundClock } from "../clock.js";
import { type ForwarderNetwork, type RunningForwarder, startForwarder } from "../start-forwarder.js";
import type { ProgramDataPoints } from "./program-data-points.js";
import type { ProgramMetrics } from "./program-metrics.js";
import type { TraceQueue } from "./trace-queue.js";

const defaultReconnect: BackOffLimits = { initialMs: 1_000, maxMs: 45_000 };

export interface ServingOptions {
  readonly network: Exclude<ForwarderNetwork<LinkAddress>, { mode: "stream" }>;
  readonly magic: number | undefined;
  readonly reconnect?: BackOffLimits | undefined;
  readonly returnsAfterDone?: boolean | undefined;
}

interface Content {
  readonly queue: TraceQueue;
  readonly metrics: ProgramMetrics;
  readonly dataPoints: ProgramDataPoints;
}

/** Connects to a tracer, or listens for one; if listening fails, it is retried. */
export class Serving {
  readonly #stopping = new AbortController();
  readonly #running: Promise<RunningForwarder<LinkAddress> | undefined>;
  readonly #queue: TraceQueue;
  #forwarder: RunningForwarder<LinkAddress> | undefined;

  constructor(options: ServingOptions, content: Content, onFault: (message: string) => void) {
    this.#queue = content.queue;
    this.#running = this.#start(options, content, onFault);
  }

  get report() {
    return this.#forwarder?.report();
  }

  /** Waits until queued messages are sent and the tracer has asked for more, `deadlineMs` at most. */
  async close(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    // Nothing else here keeps the process alive.
    await settledWithin(this.#flushed(deadlineMs), deadlineMs);
  }

  /** Resolves when queued messages are sent and the connection is closed. */
  async #flushed(deadlineMs: number): Promise<void> {
    const forwarder = await this.#running;
    if (forwarder === undefined) return;
    const hasNothingToDo = this.#queue.isOver && forwarder.connectionsNow === 0;
    if (!hasNothingToDo) await settledWithin(forwarder.finished, deadlineMs);
    await forwarder.stop();
  }

  async #start(
    { network, magic, reconnect = defaultReconnect, returnsAfterDone = true }: ServingOptions,
    { queue, metrics, dataPoints }: Content,
    onFault: (message: string) => void,
  ): Promise<RunningForwarder<LinkAddress> | undefined> {
    const source = {
      metrics: metrics.values,
      dataPoints,
      get isOver() {
        return queue.isOver;
      },
      takeNow: (count: number) => queue.takeNow(count),
      take: (count: number, signal: AbortSignal) => queue.take(count, signal),
    };
    const backOff = new BackOff(reconnect);
    const { signal } = this.#stopping;
    const common = {
      source,
      magic,
      reconnect,
      clock: backgroundClock,
      unref: true,
      returnsAfterDone,
      onFault,
    };
    while (!signal.aborted) {
      try {
        this.#forwarder = await startForwarder<LinkAddress>({ ...common, network });
        return this.#forwarder;
      } catch (error) {
        onFault(`${(error as Error).message}; retrying`);
        await backgroundClock.sleep(backOff.after(0), signal);
      }
    }
    return undefined;
  }
}
