import type { MetricHistory } from "./answers.js";

/** Where earlier values of metrics are kept. */
export interface History {
  /** 1 if everything is there, else the share that is loaded. */
  readonly loadedShare: number;
  course(
    nodeName: string,
    metric: string,
    steps: { readonly from: number; readonly step: number; readonly count: number },
  ): readonly { readonly time: number; readonly value: number }[];
}

/** An hour, a point each ten seconds. */
const stepMs = 10_000;
const count = 361;

/** The last hour of a node's metric; no points if none are kept, or not all are loaded yet. */
export function historyOf(
  history: History,
  nodeName: string,
  metric: string,
  now: number = Date.now(),
): MetricHistory {
  if (history.loadedShare < 1) return { points: [] };
  const from = Math.trunc(now) - (count - 1) * stepMs;
  const points = history.course(nodeName, metric, { from, step: stepMs, count });
  return { points: points.map(({ time, value }) => [time, value]) };
}
