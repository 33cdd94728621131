import { computed, signal } from "@preact/signals";
import type { NodeDetails } from "../src/ui/answers.js";
import { Feed } from "./feed.js";
import { MetricPast } from "./metric-past.js";

type Metric = NodeDetails["metrics"][number];

/** What comes once a second: the metrics that changed, or all. A type is a letter, as in the ekg library. */
type Update =
  | { readonly absent: true }
  | {
      readonly whole: boolean;
      readonly metrics: readonly (readonly [name: string, type: string, text: string])[];
    };

const kinds: Readonly<Record<string, Metric[1]>> = { c: "counter", g: "gauge", l: "label" };

/** The metrics of one node, by WebSocket from the page's own address. */
export class EkgFeed {
  readonly metrics = signal<readonly Metric[]>([]);
  readonly past = new MetricPast();
  readonly #isAbsent = signal(false);
  readonly #metrics = new Map<string, Metric>();
  readonly #feed = new Feed(location.pathname, (message) => this.#take(message as Update));

  readonly isLive = computed(() => this.#feed.isLive.value && !this.#isAbsent.value);
  readonly state = computed(() =>
    this.#feed.isLive.value && this.#isAbsent.value ? "the node is not connected" : this.#feed.state.value,
  );

  stop(): void {
    this.#feed.stop();
  }

  #take(update: Update): void {
    this.#isAbsent.value = "absent" in update;
    if ("absent" in update) return;
    if (update.whole) this.#metrics.clear();
    for (const [name, type, text] of update.metrics) this.#metrics.set(name, [name, kinds[type]!, text]);
    const metrics = [...this.#metrics.values()];
    this.past.take(metrics, Date.now());
    this.metrics.value = metrics;
  }
}
