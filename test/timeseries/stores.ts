import { Queries } from "../../src/timeseries/language/queries.js";
import { QueryError } from "../../src/timeseries/language/query-fault.js";
import {
  Duration,
  InstantVector,
  Pair,
  RangeVector,
  Timestamp,
  type Value,
} from "../../src/timeseries/language/values.js";
import { labelSet } from "../../src/timeseries/store/labels.js";
import { Store } from "../../src/timeseries/store/store.js";

export type Point = readonly [labels: Record<string, string>, time: number, value: number];

export function storeOf(metrics: Readonly<Record<string, readonly Point[]>>): Store {
  const store = new Store({ maxBytes: 2 ** 24, minIntervalMs: 0 });
  for (const [name, points] of Object.entries(metrics)) {
    for (const [labels, time, value] of points)
      store.append(store.series(name, labelSet(labels))!, time, value);
  }
  return store;
}

/** The stores of the original's test suite. */
export const stores = {
  E: storeOf({}),
  S: storeOf({ m: [[{}, 0, 42]] }),
  M: storeOf({
    m: [
      [{ k: "1" }, 0, 10],
      [{ k: "2" }, 0, 20],
      [{ k: "3" }, 0, 30],
    ],
  }),
  R: storeOf({
    m: [
      [{}, 0, 0],
      [{}, 1_000, 1],
    ],
  }),
};

const usualLimits = { timeoutMs: 60_000, maxBytes: 2 ** 26 };

/** The value of a query, with the step of the original's suite; or the error it ends with. */
export async function evaluated(
  store: Store,
  now: number,
  query: string,
  limits = usualLimits,
): Promise<Value | QueryError> {
  const queries = new Queries({ source: () => store, limits, stepMs: 1_000 });
  try {
    return await queries.evaluate(query, now);
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
}

/** A value as tests write it: times and durations in milliseconds, a vector as the list of its values. */
export function plain(value: Value | QueryError): unknown {
  if (value instanceof QueryError) return value.message;
  if (value instanceof Timestamp) return { timestamp: value.ms };
  if (value instanceof Duration) return { duration: value.ms };
  if (value instanceof Pair) return [plain(value.first), plain(value.second)];
  if (value instanceof InstantVector) return value.elements.map((element) => plain(element.value));
  if (value instanceof RangeVector) {
    return value.series.map(({ labels, times, values }) => ({
      ...Object.fromEntries(labels.pairs),
      points: [...times].map((time, n) => [time, plain(values[n]!)]),
    }));
  }
  return value;
}
