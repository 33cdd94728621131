import { signal } from "@preact/signals";
import type { NodeDetails } from "../src/ui/answers.js";

export type Points = readonly (readonly [at: number, value: number])[];

/** How far back a plot goes, in milliseconds. */
const pastMs = 3_600_000;
/** Limits for one metric, and for all together. */
const mostPoints = 3_600;
const mostPointsOfAll = 1_000_000;

/**
 * The values of a node's metrics since the page was opened, and before if the tracer keeps them. A value that does not
 * change is two points.
 */
export class MetricPast {
  readonly #points = new Map<string, [at: number, value: number][]>();
  readonly #asked = new Set<string>();
  readonly #before: (name: string) => Promise<Points>;
  /** Time of the last values, in milliseconds since 1970; what reads it is drawn again with each change. */
  readonly at = signal(0);

  /** `before` loads the values of a metric from before the page was opened. */
  constructor(before: (name: string) => Promise<Points> = async () => []) {
    this.#before = before;
  }

  /** Adds the current values of all metrics. */
  take(metrics: NodeDetails["metrics"], at: number): void {
    const names = new Set<string>();
    const most = Math.min(mostPoints, Math.ceil(mostPointsOfAll / metrics.length));
    for (const [name, kind, text] of metrics) {
      names.add(name);
      const value = kind === "label" && text.trim() === "" ? Number.NaN : Number(text);
      if (!Number.isFinite(value)) continue;
      const points = this.#points.get(name) ?? [];
      this.#points.set(name, points);
      const last = points.at(-1);
      if (last?.[1] === value && points.at(-2)?.[1] === value) last[0] = at;
      else points.push([at, value]);
      while (points.length > most || points[0]![0] < at - pastMs) points.shift();
    }
    for (const name of this.#points.keys()) if (!names.has(name)) this.#points.delete(name);
    this.at.value = at;
  }

  /** The points of the last milliseconds, and the one before them. */
  last(name: string, milliseconds: number): Points {
    const time = this.at.value - milliseconds;
    const points = this.#points.get(name) ?? [];
    let first = points.length - 1;
    while (first > 0 && points[first]![0] > time) first -= 1;
    return points.slice(Math.max(0, first));
  }

  all(name: string): Points {
    return this.last(name, this.at.value);
  }

  /** Loads the earlier values, once; resolves when they are there. */
  async load(name: string): Promise<void> {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    const before = await this.#before(name);
    const own = this.#points.get(name) ?? [];
    const first = own[0]?.[0] ?? Number.POSITIVE_INFINITY;
    const earlier = before.filter(([at]) => at < first).map(([at, value]): [number, number] => [at, value]);
    this.#points.set(name, [...earlier, ...own]);
  }
}
