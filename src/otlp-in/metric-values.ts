import type { MetricValue } from "../protocol/metrics.js";
import { jsonOf, textIn } from "./any-value.js";
import { maxNameLength, nameTooLong, type ResourceMetrics } from "./resource-metrics.js";
import { bigintOf, has, type KeyValue, type Metric, type NumberPoint } from "./schema.js";

/** A value of AggregationTemporality. */
const cumulative = 2;
const hasNoValue = 1;

/** The outcome for a request's data points. */
export interface TakenPoints {
  rejected: number;
  /** The reasons, each a sentence, without repetitions. */
  readonly reasons: Set<string>;
}

/**
 * Adds gauges and cumulative sums to a node's metrics, named with the suffix for their kind, like nodes' own metrics. A node's metrics
 * have no labels, so attributes become part of the name, in their order: `requests.method.GET_counter`.
 * @throws MalformedError
 */
export function takeMetric(metric: Metric, into: ResourceMetrics, taken: TakenPoints): void {
  const reject = (count: number, reason: string) => {
    taken.rejected += count;
    if (count > 0) taken.reasons.add(reason);
  };
  for (const [kind, points] of Object.entries({
    histograms: metric.histogram,
    "exponential histograms": metric.exponentialHistogram,
    summaries: metric.summary,
  }))
    if (points != null) reject(points.dataPoints.length, `${kind} are not kept, only gauges and sums`);
  const { gauge, sum } = metric;
  if (sum != null && sum.aggregationTemporality !== cumulative) {
    reject(sum.dataPoints.length, "sums must be cumulative, not deltas");
    return;
  }
  for (const point of (gauge ?? sum)?.dataPoints ?? []) {
    // The flag marks the end of a series.
    if ((point.flags & hasNoValue) !== 0) continue;
    if (metric.name.length > maxNameLength || point.attributes.some(isTooLong)) {
      reject(1, nameTooLong);
      continue;
    }
    const name = [metric.name, ...wordsOf(point.attributes)].join(".");
    const made = numberOf(point, sum?.isMonotonic === true);
    if (metric.name === "" || made === undefined) {
      reject(1, "a point needs a name and a number");
      continue;
    }
    const refused = into.set(name.endsWith(made.suffix) ? name : `${name}${made.suffix}`, made.value);
    if (refused !== undefined) reject(1, refused);
  }
}

function numberOf(
  point: NumberPoint,
  isCounter: boolean,
): { readonly suffix: string; readonly value: MetricValue } | undefined {
  if (has(point, "asInt")) {
    const value = bigintOf(point.asInt);
    return isCounter
      ? { suffix: "_counter", value: { kind: "counter", value } }
      : { suffix: "_int", value: { kind: "gauge", value } };
  }
  // Numbers with fractions are sent as texts, see the protocol.
  if (!has(point, "asDouble") || !Number.isFinite(point.asDouble)) return undefined;
  return { suffix: "_real", value: { kind: "label", value: String(point.asDouble) } };
}

/** Checked before more is made of a text, which may have megabytes. */
function isTooLong({ key, value }: KeyValue): boolean {
  return key.length + (textIn(value)?.length ?? 0) > maxNameLength;
}

function wordsOf(attributes: readonly KeyValue[]): string[] {
  return attributes
    .map(({ key, value }): [string, string] => {
      const json = jsonOf(value);
      return [key, json.startsWith('"') ? JSON.parse(json) : json];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flat();
}
