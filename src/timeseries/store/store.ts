import { compareLabels, type LabelSet } from "./labels.js";
import { bytesPerPage, Pages } from "./pages.js";
import { Series } from "./series.js";
import { SortedNames } from "./sorted-names.js";

/** Rough memory of a series and of a metric in addition to points: objects, entries of maps, places in lists. */
const bytesPerSeries = 400;
const bytesPerMetric = 400;

/** Longest name of a metric that is kept; nodes' own are below 100. */
export const maxNameLength = 512;

/** Names without points stay known, as in cardano-tracer, while all names take no more than this share of the memory. */
const shareOfNames = 1 / 8;

export interface StoreOptions {
  /** Most bytes of all points and the data about them. */
  readonly maxBytes: number;
  /** Fewest milliseconds between two points of a series. */
  readonly minIntervalMs: number;
}

/** Milliseconds after which a value is written again though it has not changed. */
const unchangedMs = 60_000;

/** A page that has waited this long for a point, in milliseconds, is full, or its series has ended. */
const unusedMs = 2 * unchangedMs;

export interface StoreStats {
  readonly points: number;
  readonly bytes: number;
  readonly series: number;
  /** Points dropped because there was no more room. */
  readonly evicted: number;
  /** Points removed because they were older than the retention. */
  readonly pruned: number;
  /** Points removed because the clock was set back behind them. */
  readonly undone: number;
  /** All points from this time on are kept, in milliseconds since 1970; undefined while there are none. */
  readonly reachesBackTo: number | undefined;
}

interface Metric {
  readonly bySet: Map<string, Series>;
  /** In the order of their labels. */
  readonly sorted: Series[];
}

/** The points of all series, limited in bytes: the page that has waited longest for a point is removed first. */
export class Store {
  readonly minIntervalMs: number;
  readonly #maxBytes: number;
  readonly #pages = new Pages<Series>();
  readonly #metrics = new Map<string, Metric>();
  readonly #names = new SortedNames();
  #nameBytes = 0;
  #series = 0;
  /** Points before this time are hidden: they are left on a page with newer ones. */
  #since = Number.NEGATIVE_INFINITY;
  /** Time of the latest point. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Time of the earliest point ever, and of the latest that was evicted. */
  #begun = Number.POSITIVE_INFINITY;
  #earliestNew = Number.POSITIVE_INFINITY;
  #evictedUntil = Number.NEGATIVE_INFINITY;
  #evicted = 0;
  #pruned = 0;
  #undone = 0;

  constructor(options: StoreOptions) {
    this.#maxBytes = options.maxBytes;
    this.minIntervalMs = options.minIntervalMs;
  }

  /** Names of all metrics, ascending. */
  names(): readonly string[] {
    return this.#names.all();
  }

  knows(metric: string): boolean {
    return this.#metrics.has(metric);
  }

  /** The series of a metric, ascending by their labels. */
  seriesOf(metric: string): readonly Series[] {
    return this.#metrics.get(metric)?.sorted ?? [];
  }

  *everySeries(): Generator<Series> {
    for (const { sorted } of this.#metrics.values()) yield* sorted;
  }

  /** Points before this time are ignored. */
  get since(): number {
    return this.#since;
  }

  /**
   * Whether a series may begin: where there are more than there is room for, they would push each other out with every point,
   * and nothing else would get done.
   */
  get hasRoom(): boolean {
    if (this.#bytes + bytesPerSeries + bytesPerPage <= this.#maxBytes) return true;
    const page = this.#pages.oldest;
    return page === undefined || this.#pages.end(page) < this.#latest - unusedMs;
  }

  /** The series with this name and these labels, created if there is none; undefined if the name is too long. */
  series(metric: string, labels: LabelSet): Series | undefined {
    const known = this.#metrics.get(metric) ?? this.#addMetric(metric);
    if (known === undefined) return undefined;
    let series = known.bySet.get(labels.key);
    if (series === undefined) {
      series = new Series(this.#pages, metric, labels);
      known.bySet.set(labels.key, series);
      known.sorted.splice(placeOf(known.sorted, labels), 0, series);
      this.#series += 1;
    }
    return series;
  }

  /** Adds a metric's value at `time`. A changed value is kept if `minIntervalMs` has passed since the last, an unchanged one once a minute. */
  observe(series: Series, time: number, value: number): void {
    const elapsed = time - series.lastTime;
    const isDue = Object.is(value, series.lastValue)
      ? elapsed >= unchangedMs || elapsed < -unchangedMs
      : elapsed >= this.minIntervalMs || elapsed < -this.minIntervalMs;
    if (isDue) this.append(series, time, value);
  }

  /**
   * Adds a point, at a whole millisecond. If it is not after the last one, the clock was set back: points at that time and
   * later are removed, because their times were wrong.
   */
  append(series: Series, time: number, value: number): void {
    this.#prepare(series, time);
    if (series.append(time, value)) this.#makeRoom();
  }

  /** Like `append`, for the first `count` points of these columns, which must ascend. */
  appendMany(series: Series, times: Float64Array, values: Float64Array, count: number): void {
    if (count === 0) return;
    this.#prepare(series, times[0]!);
    if (series.appendMany(times, values, count)) this.#makeRoom();
  }

  /** Time of the earliest point added since the last call. */
  takeEarliestNew(): number {
    const earliest = this.#earliestNew;
    this.#earliestNew = Number.POSITIVE_INFINITY;
    return earliest;
  }

  /**
   * Drops the points before `time`, which queries no longer see; at most `mostPages` of their pages. Returns whether all
   * are gone.
   */
  prune(time: number, mostPages = Number.POSITIVE_INFINITY): boolean {
    const before = this.#pages.points;
    let page = this.#pages.oldest;
    for (let left = mostPages; left > 0 && page !== undefined && this.#pages.end(page) < time; left -= 1) {
      this.#drop(page);
      page = this.#pages.oldest;
    }
    this.#pruned += before - this.#pages.points;
    this.#since = Math.max(this.#since, time);
    return page === undefined || this.#pages.end(page) >= time;
  }

  stats(): StoreStats {
    const reach = Math.max(this.#begun, this.#since, this.#evictedUntil);
    return {
      points: this.#pages.points,
      bytes: this.#bytes,
      series: this.#series,
      evicted: this.#evicted,
      pruned: this.#pruned,
      undone: this.#undone,
      reachesBackTo: this.#pages.points === 0 ? undefined : reach,
    };
  }

  get #bytes(): number {
    return this.#pages.inUse * bytesPerPage + this.#series * bytesPerSeries + this.#nameBytes;
  }

  #addMetric(name: string): Metric | undefined {
    if (name.length > maxNameLength) return undefined;
    const metric: Metric = { bySet: new Map(), sorted: [] };
    this.#metrics.set(name, metric);
    this.#names.add(name);
    this.#nameBytes += bytesPerMetric + name.length;
    return metric;
  }

  #prepare(series: Series, time: number): void {
    if (time <= series.lastTime) this.#undo(series, time - 1);
    if (time > this.#latest) this.#latest = time;
    if (time < this.#begun) this.#begun = time;
    if (time < this.#earliestNew) this.#earliestNew = time;
    if (time < this.#since) this.#since = Number.NEGATIVE_INFINITY;
  }

  #makeRoom(): void {
    while (this.#bytes > this.#maxBytes && this.#pages.inUse > 1) {
      const page = this.#pages.oldest!;
      this.#evictedUntil = Math.max(this.#evictedUntil, this.#pages.end(page));
      this.#evicted += this.#pages.count(page);
      this.#drop(page);
    }
  }

  /** The oldest of all pages is also the oldest of its series. */
  #drop(page: number): void {
    const series = this.#pages.ownerOf(page);
    series.dropOldest();
    if (series.isEmpty) this.#retire(series);
  }

  #retire(series: Series): void {
    series.retired = true;
    const metric = this.#metrics.get(series.metric)!;
    metric.bySet.delete(series.labels.key);
    metric.sorted.splice(placeOf(metric.sorted, series.labels), 1);
    this.#series -= 1;
    if (metric.sorted.length > 0 || this.#nameBytes <= this.#maxBytes * shareOfNames) return;
    this.#metrics.delete(series.metric);
    this.#names.delete(series.metric);
    this.#nameBytes -= bytesPerMetric + series.metric.length;
  }

  #undo(series: Series, until: number): void {
    const before = this.#pages.points;
    series.dropAfter(until);
    this.#undone += before - this.#pages.points;
  }
}

/** The place of these labels in the sorted list, or where they belong. */
function placeOf(sorted: readonly Series[], labels: LabelSet): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareLabels(sorted[middle]!.labels, labels) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
