import { loopSlices, sliceMs } from "../../http/loop-slices.js";
import type { Series } from "../store/series.js";
import type { Store } from "../store/store.js";
import { maxSegmentPoints, type ReadRun, Segment, SegmentBuilder, type SegmentFacts } from "./segment.js";
import { SnapshotDirectory } from "./snapshot-directory.js";
import { SnapshotError } from "./snapshot-fault.js";

/** Longest time in one segment, far below the range of its times, which count from its beginning. */
const longestStretchMs = 86_400_000;

/** The clock is read after this many runs. */
const runsPerLook = 64;

export interface SnapshotsObserver {
  /** A segment is damaged, and has been renamed. */
  refused(file: string, putAside: string, error: Error): void;
}

export interface SnapshotsStats {
  readonly segments: number;
  readonly bytes: number;
}

/** The points of a store on disk: new ones are written as separate segments, and those that the store has dropped are removed. */
export class Snapshots {
  readonly #directory: SnapshotDirectory;
  readonly #observer: SnapshotsObserver;
  readonly #segments = new Map<number, Pick<SegmentFacts, "bytes" | "newest">>();
  /** Everything up to this time is on disk. */
  #writtenUntil = Number.NEGATIVE_INFINITY;
  #found: number[] = [];

  constructor(path: string, observer: SnapshotsObserver) {
    this.#directory = new SnapshotDirectory(path);
    this.#observer = observer;
  }

  get path(): string {
    return this.#directory.path;
  }

  stats(): SnapshotsStats {
    let bytes = 0;
    for (const segment of this.#segments.values()) bytes += segment.bytes;
    return { segments: this.#segments.size, bytes };
  }

  /** Reads which segments exist. @throws SnapshotError if the directory is unusable */
  async open(): Promise<void> {
    this.#found = await this.#directory.open();
  }

  /**
   * Adds the points of all segments to the store, giving way to other work on the event loop. A damaged segment is renamed.
   * `progress` is called with the share that is done. If the signal aborts, the rest is not loaded.
   */
  async load(
    store: Store,
    options: { signal: AbortSignal; progress: (share: number) => void },
  ): Promise<void> {
    const begun = Date.now();
    const loader = new Loader(store, options.signal);
    let next: Promise<Buffer | Error> | undefined;
    const ahead = (number: number | undefined) =>
      number === undefined ? undefined : this.#directory.read(number).catch((error: Error) => error);
    for (const [n, number] of this.#found.entries()) {
      const reading = next ?? ahead(number)!;
      next = ahead(this.#found[n + 1]);
      await this.#take(number, await reading, loader);
      if (options.signal.aborted) break;
      options.progress((n + 1) / this.#found.length);
    }
    for (const { newest } of this.#segments.values()) {
      this.#writtenUntil = Math.max(this.#writtenUntil, newest);
    }
    // Points that were not loaded are earlier than now, and still on disk.
    if (options.signal.aborted) this.#writtenUntil = begun - 1;
    store.takeEarliestNew();
  }

  /** Writes points that have arrived up to `until`, and removes those that the store no longer has. */
  async save(store: Store, until: number): Promise<void> {
    // If the clock was set back, new points are earlier than those on disk.
    this.#writtenUntil = Math.min(this.#writtenUntil, store.takeEarliestNew() - 1);
    const series = [...store.everySeries()];
    const { reachesBackTo } = store.stats();
    if (reachesBackTo === undefined) return;
    let from = Math.max(this.#writtenUntil, reachesBackTo - 1);
    while (from < until) {
      const to = Math.min(from + longestStretchMs, until);
      await this.#saveStretch(series, from, to);
      this.#writtenUntil = to;
      from = to;
    }
    await this.#removeBefore(store.stats().reachesBackTo ?? reachesBackTo);
  }

  async #take(number: number, read: Buffer | Error, loader: Loader): Promise<void> {
    const file = this.#directory.nameOf(number);
    // A segment that cannot be read at the moment may be undamaged: it is kept.
    if (read instanceof Error && !(read instanceof SnapshotError)) {
      this.#observer.refused(file, file, read);
      return;
    }
    try {
      if (read instanceof Error) throw read;
      const segment = new Segment(read);
      await loader.add(segment);
      this.#segments.set(number, segment.facts);
    } catch (error) {
      const putAside = await this.#directory.putAside(number).catch(() => file);
      this.#observer.refused(file, putAside, error as Error);
    }
  }

  async #saveStretch(series: readonly Series[], from: number, to: number): Promise<void> {
    let builder = new SegmentBuilder(from);
    let sliceEnd = performance.now() + sliceMs;
    for (const each of series) {
      if (each.lastTime <= from) continue;
      builder.add({ metric: each.metric, labels: each.labels, points: each.points(from, to) });
      if (builder.points >= maxSegmentPoints) {
        await this.#write(builder);
        builder = new SegmentBuilder(from);
      }
      if (performance.now() < sliceEnd) continue;
      await loopSlices.turn();
      sliceEnd = performance.now() + sliceMs;
    }
    if (builder.points > 0) await this.#write(builder);
  }

  async #write(builder: SegmentBuilder): Promise<void> {
    const { bytes, facts } = builder.build();
    this.#segments.set(await this.#directory.write(bytes), facts);
  }

  async #removeBefore(time: number): Promise<void> {
    for (const [number, { newest }] of this.#segments) {
      if (newest >= time) continue;
      await this.#directory.remove(number);
      this.#segments.delete(number);
    }
  }
}

/** Adds the points of segments to a store. Most have the same series in the same order. */
class Loader {
  readonly #store: Store;
  readonly #signal: AbortSignal;
  readonly #series: (Series | undefined)[] = [];

  constructor(store: Store, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  async add(segment: Segment): Promise<void> {
    let place = 0;
    let sliceEnd = performance.now() + sliceMs;
    for (const run of segment.runs()) {
      const series = this.#seriesAt(place, run);
      place += 1;
      if (series !== undefined) this.#store.appendMany(series, run.times, run.values, run.count);
      if (place % runsPerLook !== 0 || performance.now() < sliceEnd) continue;
      await loopSlices.turn();
      if (this.#signal.aborted) return;
      sliceEnd = performance.now() + sliceMs;
    }
  }

  #seriesAt(place: number, { metric, labels }: ReadRun): Series | undefined {
    let series = this.#series[place];
    if (series?.metric !== metric || series.labels.key !== labels.key || series.retired) {
      series = this.#store.series(metric, labels);
      this.#series[place] = series;
    }
    return series;
  }
}
