import type { MetricValue } from "../protocol/metrics.js";

/** One node's share of the memory for the metrics of all nodes. */
export interface MetricsShare {
  /** Takes this many more bytes; false if there is no room for them. */
  grow(bytes: number): boolean;
  /** Gives all of it back. */
  leave(): void;
}

/** Most characters of a metric's name. */
export const maxNameLength = 256;
export const nameTooLong = `a name with its attributes has ${maxNameLength} characters at most`;
/** Memory of a metric in addition to its name at two bytes per character: it is kept here and, for answers, by the forwarder. */
const metricBytes = 300;

/** The metrics of a resource, which its node sends. Like the stores of nodes, they are limited individually and together. */
export class ResourceMetrics {
  readonly #metrics: Map<string, MetricValue>;
  readonly #maxMetrics: number;
  readonly #share: MetricsShare;

  constructor(metrics: Map<string, MetricValue>, maxMetrics: number, share: MetricsShare) {
    this.#metrics = metrics;
    this.#maxMetrics = maxMetrics;
    this.#share = share;
  }

  /** Returns the reason if a metric is not kept; the value of an existing one can always be changed. */
  set(name: string, value: MetricValue): string | undefined {
    if (!this.#metrics.has(name)) {
      if (name.length > maxNameLength) return nameTooLong;
      if (this.#metrics.size >= this.#maxMetrics) return `a node has ${this.#maxMetrics} metrics at most`;
      if (!this.#share.grow(metricBytes + 2 * name.length))
        return "there is no more room for metrics of all nodes";
    }
    this.#metrics.set(name, value);
    return undefined;
  }
}
