import { type ForwarderClock, systemClock } from "../forwarder/clock.js";
import type { ForwarderSource } from "../forwarder/source.js";
import type { MetricValue } from "../protocol/metrics.js";
import { nodeDataPoints } from "./node-data-points.js";
import { knownMetrics, metricAt } from "./node-metrics.js";
import { NumberedObjects } from "./numbered-objects.js";

export interface NumberedSourceOptions {
  /** The node's name; undefined: it has no `NodeInfo`. */
  readonly name: string | undefined;
  /** Number of trace objects. @default endless */
  readonly count?: number | undefined;
  /** Trace objects a second. @default as many as are asked for */
  readonly rate?: number | undefined;
  /** Exact bytes of each line. @default as long as real lines are */
  readonly size?: number | undefined;
  /** Whether each object has a text for people. @default those that have one with real nodes */
  readonly human?: boolean | undefined;
  /** How many metrics it has, those that dashboards show first. @default these */
  readonly metrics?: number | undefined;
  /**
   * Most objects that wait to be asked for; when one more comes, they are all dropped, as in real nodes (which keep 192).
   * Without `rate` objects are made when they are asked for, and none waits. @default keeps all
   */
  readonly queue?: number | undefined;
  /** @default the system's */
  readonly clock?: ForwarderClock | undefined;
}

/** A node that numbers its trace objects. */
export class NumberedSource implements ForwarderSource {
  readonly dataPoints: ReadonlyMap<string, Uint8Array | undefined>;
  readonly #options: NumberedSourceOptions;
  readonly #objects: NumberedObjects;
  readonly #clock: ForwarderClock;
  readonly #begun: number;
  readonly #startedAt = Math.floor(Date.now() / 1_000);
  /** Number of the next object to be taken. */
  #next = 0;
  #thrownAway = 0;

  constructor(options: NumberedSourceOptions) {
    this.#options = options;
    const { name, size, human, clock = systemClock } = options;
    this.#objects = new NumberedObjects({ host: name ?? "nameless", size, human });
    this.#clock = clock;
    this.#begun = clock.now();
    this.dataPoints = nodeDataPoints(name);
  }

  /** Objects dropped because they were not asked for in time. */
  get thrownAway(): number {
    this.#overflow();
    return this.#thrownAway;
  }

  get isOver(): boolean {
    return this.#next >= this.#most;
  }

  get metrics(): ReadonlyMap<string, MetricValue> {
    const { metrics = knownMetrics } = this.#options;
    const time = { seconds: (this.#clock.now() - this.#begun) / 1_000, startedAt: this.#startedAt };
    const values = new Map<string, MetricValue>();
    for (let index = 0; index < metrics; index += 1) values.set(...metricAt(index, time));
    return values;
  }

  takeNow(count: number): readonly Uint8Array[] {
    this.#overflow();
    const taken = Math.min(count, this.#due() - this.#next);
    const objects = this.#objects.make(this.#next, taken);
    this.#next += taken;
    return objects;
  }

  async take(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    while (!this.isOver && !signal.aborted) {
      const objects = this.takeNow(count);
      if (objects.length > 0) return objects;
      const { rate = 1 } = this.#options;
      const dueAt = this.#begun + ((this.#next + 1) * 1_000) / rate;
      await this.#clock.sleep(Math.max(1, dueAt - this.#clock.now()), signal);
    }
    return [];
  }

  /** If one more object comes when the queue is full, the whole queue is dropped; it fills again from that object on. */
  #overflow(): void {
    const { queue, rate } = this.#options;
    const waiting = this.#due() - this.#next;
    if (queue === undefined || rate === undefined || waiting <= queue) return;
    const lost = waiting - (((waiting - 1) % queue) + 1);
    this.#thrownAway += lost;
    this.#next += lost;
  }

  get #most(): number {
    return this.#options.count ?? Number.POSITIVE_INFINITY;
  }

  /** Objects that exist by now. */
  #due(): number {
    const { rate } = this.#options;
    if (rate === undefined) return this.#most;
    return Math.min(this.#most, Math.floor(((this.#clock.now() - this.#begun) * rate) / 1_000));
  }
}
