import { type ForwarderClock, systemClock } from "../forwarder/clock.js";
import type { ForwarderSource } from "../forwarder/source.js";
import type { MetricValue } from "../protocol/metrics.js";
import { nodeDataPoints } from "./node-data-points.js";
import { NumberedObjects } from "./numbered-objects.js";

export interface NumberedSourceOptions {
  /** What the node calls itself; undefined: it has no `NodeInfo`. */
  readonly name: string | undefined;
  /** Trace objects in all. @default endless */
  readonly count?: number | undefined;
  /** Trace objects a second. @default as many as are asked for */
  readonly rate?: number | undefined;
  /** Exact bytes of each line. @default as long as real lines are */
  readonly size?: number | undefined;
  /** Whether each object has a text for people. @default those that have one at real nodes */
  readonly human?: boolean | undefined;
  /** How many metrics it has. @default 20 */
  readonly metrics?: number | undefined;
  /**
   * Objects that wait to be asked for; when one more comes, these are thrown away, as real nodes do (they keep 192).
   * Without `rate` objects come when they are asked for, and none waits. @default keeps all
   */
  readonly queue?: number | undefined;
  /** @default the system's */
  readonly clock?: ForwarderClock | undefined;
}

/** A node that counts: each of its trace objects carries the next number. */
export class NumberedSource implements ForwarderSource {
  readonly dataPoints: ReadonlyMap<string, Uint8Array | undefined>;
  readonly #options: NumberedSourceOptions;
  readonly #objects: NumberedObjects;
  readonly #clock: ForwarderClock;
  readonly #begun: number;
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

  /** Objects thrown away because nobody asked for them in time. */
  get thrownAway(): number {
    this.#overflow();
    return this.#thrownAway;
  }

  get isOver(): boolean {
    return this.#next >= this.#most;
  }

  get metrics(): ReadonlyMap<string, MetricValue> {
    const { metrics = 20 } = this.#options;
    const seconds = Math.floor((this.#clock.now() - this.#begun) / 1_000);
    const values = new Map<string, MetricValue>();
    for (let index = 0; index < metrics; index += 1) values.set(...metricAt(index, seconds));
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

  /** A queue that is full when one more comes is thrown away whole, and fills again from that one on. */
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

/** A node at work has some 300 metrics; those of its run-time system, some 30, change whenever it is asked. */
const changingOneIn = 10;

/** The metrics that dashboards ask for first, then numbered ones. */
const wellKnown: readonly ((seconds: number) => [string, MetricValue])[] = [
  (seconds) => [
    "cardano.node.metrics.blockNum.int",
    { kind: "gauge", value: BigInt(11_403_321 + Math.floor(seconds / 20)) },
  ],
  (seconds) => ["cardano.node.metrics.slotNum.int", { kind: "gauge", value: BigInt(148_821_130 + seconds) }],
  () => ["cardano.node.metrics.density.real", { kind: "label", value: "0.04978" }],
  (seconds) => [
    "cardano.node.metrics.txsProcessedNum.counter",
    { kind: "counter", value: BigInt(3 * seconds) },
  ],
  (seconds) => ["cardano.node.metrics.txsInMempool.int", { kind: "gauge", value: BigInt(seconds % 17) }],
  () => ["cardano.build.info", { kind: "label", value: '{version="10.5.1",revision="ca1ec278"} 1' }],
];

function metricAt(index: number, seconds: number): [string, MetricValue] {
  const known = wellKnown[index];
  if (known !== undefined) return known(seconds);
  const turns = index % changingOneIn === 0 ? seconds % 10 : 0;
  return [`simulated.number${index}.int`, { kind: "gauge", value: BigInt(index * 1_000 + turns) }];
}
