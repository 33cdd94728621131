import { compareLabels, type LabelSet } from "../store/labels.js";
import type { QueryContext, Work } from "./query-context.js";
import { QueryError } from "./query-fault.js";
import {
  type Closure,
  InstantVector,
  Metric,
  RangeVector,
  type SeriesRange,
  Timestamp,
  type Value,
} from "./values.js";

/** As many as Prometheus allows; the original has no limit, and loops forever on a step of 0. */
const maxSteps = 11_000;

/** Approximate bytes of a point in columns of numbers, in growing lists of numbers, and in other lists. */
const bytesPerScalar = 16;
const bytesPerListed = 32;
const bytesPerObject = 96;

interface RangeOf {
  readonly of: Metric | Closure;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly at: number;
}

/** The function at `from`, `from + step`, … until `to`, regrouped by series. @throws QueryError */
export function* range(context: QueryContext, options: RangeOf): Work<RangeVector> {
  const { of, from, to, step } = options;
  if (step === 0) throw new QueryError({ code: "step-zero" });
  if (from > to) return new RangeVector([]);
  const count = Math.floor((to - from) / step) + 1;
  if (count > maxSteps) throw new QueryError({ code: "too-many-steps", steps: count, limit: maxSteps });
  const series =
    of instanceof Metric
      ? yield* ofMetric(context, of, { from, step, count })
      : yield* ofClosure(context, of, { from, step, count, at: options.at });
  return new RangeVector(series);
}

type Steps = { readonly from: number; readonly step: number; readonly count: number };

/** The usual case, done series by series, without an object for each point. */
function* ofMetric(context: QueryContext, { name }: Metric, steps: Steps): Work<SeriesRange[]> {
  const { meter, source } = context;
  const found: SeriesRange[] = [];
  const times = new Float64Array(steps.count);
  const values = new Float64Array(steps.count);
  // During a pause series may appear and disappear.
  for (const series of [...source.seriesOf(name)]) {
    const count = series.sample(steps, source.since, times, values);
    if (count > 0) {
      meter.charge(count * bytesPerScalar);
      found.push({ labels: series.labels, times: times.slice(0, count), values: values.slice(0, count) });
    }
    if (meter.isDue(steps.count / 8)) yield;
  }
  return found;
}

function* ofClosure(
  context: QueryContext,
  closure: Closure,
  { from, step, count, at }: Steps & { readonly at: number },
): Work<SeriesRange[]> {
  const { meter } = context;
  const found = new Map<string, { labels: LabelSet; times: number[]; values: Value[] }>();
  for (let n = 0; n < count; n += 1) {
    const { bytes } = meter;
    const vector = yield* context.apply(closure, new Timestamp(from + n * step), at);
    if (!(vector instanceof InstantVector)) throw context.mismatch("InstantVector a", vector, at);
    let areScalars = true;
    for (const { labels, time, value } of vector.elements) {
      let series = found.get(labels.key);
      if (series === undefined) {
        series = { labels, times: [], values: [] };
        found.set(labels.key, series);
      }
      series.times.push(time);
      series.values.push(value);
      areScalars &&= typeof value === "number";
    }
    // The vector itself is garbage, and so is everything it was made from, unless a value refers to it.
    if (areScalars) meter.bytes = bytes;
    meter.charge(vector.elements.length * (areScalars ? bytesPerListed : bytesPerObject));
    if (meter.isDue(vector.elements.length)) yield;
  }
  return [...found.values()].sort((a, b) => compareLabels(a.labels, b.labels));
}
