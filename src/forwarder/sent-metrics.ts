import type { MetricsRequest, MetricValue } from "../protocol/metrics.js";

/** The metrics that one tracer already has from a forwarder: it may ask for those that changed since it last asked. */
export class SentMetrics {
  readonly #known = new Map<string, MetricValue>();

  /** The answer to `request` from the current metrics. */
  answer(request: MetricsRequest, metrics: ReadonlyMap<string, MetricValue>): [string, MetricValue][] {
    const names = request.kind === "names" ? request.names : metrics.keys();
    const answer: [string, MetricValue][] = [];
    for (const name of names) {
      const metric = metrics.get(name);
      if (metric === undefined) continue;
      if (request.kind === "updated" && isSame(metric, this.#known.get(name))) continue;
      this.#known.set(name, metric);
      answer.push([name, metric]);
    }
    return answer;
  }
}

function isSame(one: MetricValue, other: MetricValue | undefined): boolean {
  return one.kind === other?.kind && one.value === other.value;
}
