import type { MetricValue } from "../protocol/metrics.js";

/** What one node has of the memory that the metrics of all nodes share. */
export interface MetricsShare {
  /** Takes this many bytes more; false where there is no room for them. */
  grow(bytes: number): boolean;
  /** Gives back everything. */
  leave(): void;
}

/** Longer names no node may have. */
export const maxNameLength = 256;
export const nameTooLong = `a name with its attributes has ${maxNameLength} characters at most`;
/** Memory of a metric beside the characters of its name, of two bytes: it is kept here and, for answers, by the forwarder. */
const metricBytes = 300;

/** The metrics of a resource, which its node sends; as the stores of nodes they have limits, each and together. */
export class ResourceMetrics {
  readonly #metrics: Map<string, MetricValue>;
  readonly #maxMetrics: number;
  readonly #share: MetricsShare;

  constructor(metrics: Map<string, MetricValue>, maxMetrics: number, share: MetricsShare) {
    this.#metrics = metrics;
    this.#maxMetrics = maxMetrics;
    this.#share = share;
  }

  /** Says why a metric is not kept; values of those that are there change at any time. */
  set(name: string, value: MetricValue): string | undefined {
    if (!this.#metrics.has(name)) {
      if (name.length > maxNameLength) return nameTooLong;
      if (this.#metrics.size >= this.#maxMetrics) return `a node has ${this.#maxMetrics} metrics at most`;
      if (!this.#share.grow(metricBytes + 2 * name.length))
        return "the metrics of all nodes have no more room";
    }
    this.#metrics.set(name, value);
    return undefined;
  }
}
