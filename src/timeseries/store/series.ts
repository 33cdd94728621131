import type { LabelSet } from "./labels.js";
import type { Pages } from "./pages.js";

/** How far back a metric's value is searched for, in milliseconds; a point exactly this old is no longer found. */
const stalenessMs = 300_000;

export interface Point {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

/** Equal steps of time, in milliseconds: `from`, `from + step`, … */
export interface Steps {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

/** The points of one metric with one set of labels, ascending in time. Only the store changes it. */
export class Series {
  readonly metric: string;
  readonly labels: LabelSet;
  /** Time and value of the last point. */
  lastTime = Number.NEGATIVE_INFINITY;
  lastValue = Number.NaN;
  /** The store has dropped this series, because it had no points left. */
  retired = false;
  readonly #pages: Pages<Series>;
  /** Its pages, ascending, from `#gone` on. */
  #own: number[] = [];
  #gone = 0;

  constructor(pages: Pages<Series>, metric: string, labels: LabelSet) {
    this.#pages = pages;
    this.metric = metric;
    this.labels = labels;
  }

  get isEmpty(): boolean {
    return this.#own.length === this.#gone;
  }

  /** Returns whether a page was needed. */
  append(time: number, value: number): boolean {
    this.lastTime = time;
    this.lastValue = value;
    const { length } = this.#own;
    if (length > this.#gone && this.#pages.append(this.#own[length - 1]!, time, value)) return false;
    this.#own.push(this.#pages.take(this, time, value));
    return true;
  }

  /** Appends `count` points, ascending; returns whether pages were needed. */
  appendMany(times: Float64Array, values: Float64Array, count: number): boolean {
    this.lastTime = times[count - 1]!;
    this.lastValue = values[count - 1]!;
    const before = this.#own.length;
    let first = 0;
    if (!this.isEmpty) first = this.#pages.appendMany(this.#own[before - 1]!, times, values, 0, count);
    while (first < count) {
      const page = this.#pages.take(this, times[first]!, values[first]!);
      this.#own.push(page);
      first += 1 + this.#pages.appendMany(page, times, values, first + 1, count);
    }
    return this.#own.length > before;
  }

  /** Releases its oldest page. */
  dropOldest(): void {
    this.#pages.release(this.#own[this.#gone]!);
    this.#gone += 1;
    if (this.#gone < 32 || this.#gone * 2 < this.#own.length) return;
    this.#own = this.#own.slice(this.#gone);
    this.#gone = 0;
  }

  /** Drops the points after `time`. */
  dropAfter(time: number): void {
    while (!this.isEmpty) {
      const page = this.#own.at(-1)!;
      const kept = this.#countUntil(page, time);
      if (kept > 0) {
        this.#pages.shorten(page, kept);
        break;
      }
      this.#pages.release(page);
      this.#own.pop();
    }
    const last = this.isEmpty ? undefined : this.#pages.view(this.#own.at(-1)!);
    this.lastTime = last === undefined ? Number.NEGATIVE_INFINITY : this.#pages.end(this.#own.at(-1)!);
    this.lastValue = last === undefined ? Number.NaN : last.values[last.first + last.count - 1]!;
  }

  /** The value at `time`: of the newest point that is neither later nor stale. Points before `since` are ignored. */
  at(time: number, since = Number.NEGATIVE_INFINITY): number | undefined {
    const place = this.#pageAt(time);
    if (place < this.#gone) return undefined;
    const page = this.#own[place]!;
    const { offsets, values, base, first } = this.#pages.view(page);
    const at = first + this.#countUntil(page, time) - 1;
    const found = base + offsets[at]!;
    return found > time - stalenessMs && found >= since ? values[at]! : undefined;
  }

  /** The values at these steps, as `at`, written to both columns; returns how many there are. */
  sample({ from, step, count }: Steps, since: number, times: Float64Array, values: Float64Array): number {
    if (this.isEmpty || count === 0) return 0;
    let place = Math.max(this.#pageAt(from), this.#gone);
    let page = this.#pages.view(this.#own[place]!);
    let at = 0;
    let written = 0;
    for (let n = 0; n < count; n += 1) {
      const time = from + n * step;
      if (page.base > time) continue;
      while (place + 1 < this.#own.length && this.#pages.begin(this.#own[place + 1]!) <= time) {
        place += 1;
        page = this.#pages.view(this.#own[place]!);
        at = 0;
      }
      const offset = time - page.base;
      while (at + 1 < page.count && page.offsets[page.first + at + 1]! <= offset) at += 1;
      const found = page.base + page.offsets[page.first + at]!;
      if (found <= time - stalenessMs || found < since) continue;
      times[written] = time;
      values[written] = page.values[page.first + at]!;
      written += 1;
    }
    return written;
  }

  /** Its points after `after` and up to `until`, ascending. */
  points(after: number, until: number): Point[] {
    const points: Point[] = [];
    for (let place = Math.max(this.#pageAt(after), this.#gone); place < this.#own.length; place += 1) {
      const { offsets, values, base, first, count } = this.#pages.view(this.#own[place]!);
      for (let n = first; n < first + count; n += 1) {
        const time = base + offsets[n]!;
        if (time > until) return points;
        if (time > after) points.push({ time, value: values[n]! });
      }
    }
    return points;
  }

  /** Place of the last page that begins at or before `time`; one before the first if none does. */
  #pageAt(time: number): number {
    let low = this.#gone;
    let high = this.#own.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#pages.begin(this.#own[middle]!) <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** How many points of the page are not after `time`. */
  #countUntil(page: number, time: number): number {
    const { offsets, base, first, count } = this.#pages.view(page);
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (base + offsets[first + middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
