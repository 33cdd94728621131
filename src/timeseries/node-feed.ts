import { metricName, metricNumber } from "./metric-name.js";
import { type LabelSet, labelSet } from "./store/labels.js";
import type { Series } from "./store/series.js";
import { maxNameLength, type Store } from "./store/store.js";

/** A node's current metrics; cheap to read often. */
export interface MetricsView {
  /** Each metric's internal name and value, in an order that rarely changes. */
  each(take: (name: string, value: number | bigint | string) => void): void;
}

/** Values of nodes that are not kept, by reason. */
export interface FeedCounts {
  /** Another metric of the node has the same name in the store. */
  collided: number;
  /** Its name is too long. */
  tooLong: number;
  /** Metrics that had to wait, because the store was full of others in use. */
  noRoom: number;
  /** When one last had to, in milliseconds since 1970. */
  noRoomAt: number;
}

/** A known metric of a node. */
interface Known {
  readonly name: string;
  /** Its name in the store; undefined if it is not kept. */
  readonly metric: string | undefined;
  /** Undefined until there is room for it. */
  series: Series | undefined;
  /** Whether there has been none. */
  hasWaited: boolean;
}

/**
 * Writes the metrics of one node to a store. Checks all of them after each answer, because even an unchanged value becomes due in time.
 */
export class NodeFeed {
  readonly #counts: FeedCounts;
  readonly #labels: LabelSet;
  #store: Store | undefined;
  #known = new Map<string, Known>();
  /** Known metrics in the order of the last answer. */
  #order: Known[] = [];
  /** Names in the store, and the metrics they belong to. */
  #owners = new Map<string, string>();

  constructor(nodeName: string, counts: FeedCounts) {
    this.#labels = labelSet({ node_name: nodeName });
    this.#counts = counts;
  }

  /** `time`: when the answer arrived, in whole milliseconds since 1970. */
  observe(metrics: MetricsView, store: Store, time: number): void {
    if (store !== this.#store) this.#forget(store);
    let place = 0;
    metrics.each((name, value) => {
      let known = this.#order[place];
      if (known?.name !== name) {
        known = this.#find(name);
        this.#order[place] = known;
      }
      place += 1;
      if (known.metric === undefined) return;
      if (known.series === undefined || known.series.retired)
        known.series = store.hasRoom ? store.series(known.metric, this.#labels) : this.#wait(known, time);
      const number = known.series && metricNumber(value);
      if (number !== undefined) store.observe(known.series!, time, number);
    });
    this.#order.length = place;
    // If a node keeps renaming its metrics, only the current names are remembered.
    if (this.#known.size > 2 * place + 100) this.#forget(store);
  }

  #forget(store: Store): void {
    this.#store = store;
    this.#known = new Map();
    this.#owners = new Map();
    this.#order = [];
  }

  /** The metric is tried again with the next answer. */
  #wait(known: Known, time: number): undefined {
    if (!known.hasWaited) this.#counts.noRoom += 1;
    known.hasWaited = true;
    this.#counts.noRoomAt = time;
  }

  #find(name: string): Known {
    let known = this.#known.get(name);
    if (known === undefined) {
      known = { name, metric: this.#place(name), series: undefined, hasWaited: false };
      this.#known.set(name, known);
    }
    return known;
  }

  /** The name of a metric in the store, if it is kept. */
  #place(name: string): string | undefined {
    const here = metricName(name);
    if (here === "") return undefined;
    const owner = this.#owners.get(here);
    if (owner !== undefined && owner !== name) {
      this.#counts.collided += 1;
      return undefined;
    }
    this.#owners.set(here, name);
    if (here.length <= maxNameLength) return here;
    this.#counts.tooLong += 1;
    return undefined;
  }
}
