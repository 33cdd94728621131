import { loopSlices, sliceMs } from "../../http/loop-slices.js";
import type { Series } from "../store/series.js";
import type { Store } from "../store/store.js";

/**
 * Adds the points of one store to another, giving way to other work on the event loop. Points that `from` gets meanwhile are
 * copied, too, the last of them in one go: when this resolves, nothing is missing until the event loop's next turn.
 */
export async function copyStore(from: Store, to: Store): Promise<void> {
  const copied = new Map<Series, number>();
  let sliceEnd = performance.now() + sliceMs;
  for (const series of [...from.everySeries()]) {
    copyPoints(series, to, Number.NEGATIVE_INFINITY);
    copied.set(series, series.lastTime);
    if (performance.now() < sliceEnd) continue;
    await loopSlices.turn();
    sliceEnd = performance.now() + sliceMs;
  }
  for (const series of from.everySeries()) {
    const until = copied.get(series) ?? Number.NEGATIVE_INFINITY;
    if (series.lastTime !== until) copyPoints(series, to, until);
  }
}

function copyPoints(series: Series, to: Store, after: number): void {
  const copy = to.series(series.metric, series.labels);
  if (copy === undefined) return;
  for (const { time, value } of series.points(after, Number.POSITIVE_INFINITY)) to.append(copy, time, value);
}
