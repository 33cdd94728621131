import type { MetricHistory, NodeDetails } from "../src/ui/answers.js";

export type Points = readonly (readonly [at: number, value: number])[];

/** As old as a plot goes back, in milliseconds, and as many points as the page keeps of a metric: one each two seconds. */
const pastMs = 3_600_000;
const mostPoints = 1_800;

/** The metrics of a node since the page shows it, and before where the tracer keeps them. */
export class MetricPast {
  readonly #points = new Map<string, (readonly [number, number])[]>();
  readonly #asked = new Set<string>();
  readonly #slug: string;

  constructor(slug: string) {
    this.#slug = slug;
  }

  take(metrics: NodeDetails["metrics"], at: number): void {
    const names = new Set<string>();
    for (const [name, kind, text] of metrics) {
      names.add(name);
      const value = kind === "label" && text.trim() === "" ? Number.NaN : Number(text);
      if (!Number.isFinite(value)) continue;
      const points = this.#points.get(name) ?? [];
      this.#points.set(name, points);
      points.push([at, value]);
      while (points.length > mostPoints || points[0]![0] < at - pastMs) points.shift();
    }
    for (const name of this.#points.keys()) if (!names.has(name)) this.#points.delete(name);
  }

  of(name: string): Points {
    return [...(this.#points.get(name) ?? [])];
  }

  /** Asks once what the tracer knows of a metric; resolves when that is there. */
  async load(name: string): Promise<void> {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    const path = `/api/history/${encodeURIComponent(this.#slug)}/${encodeURIComponent(name)}`;
    const response = await fetch(path).catch(() => undefined);
    if (response?.ok !== true) return;
    const { points } = (await response.json()) as MetricHistory;
    const own = this.#points.get(name) ?? [];
    const first = own[0]?.[0] ?? Number.POSITIVE_INFINITY;
    this.#points.set(name, [...points.filter(([at]) => at < first), ...own]);
  }
}
