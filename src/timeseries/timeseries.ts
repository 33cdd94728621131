import { settledWithin } from "../base/deadline.js";
import type { Body } from "../http/body.js";
import { loopSlices } from "../http/loop-slices.js";
import { Queries, type QueryOutcome } from "./language/queries.js";
import { metricName } from "./metric-name.js";
import { type FeedCounts, type MetricsView, NodeFeed } from "./node-feed.js";
import { Pruning } from "./pruning.js";
import { copyStore } from "./snapshots/copy-store.js";
import { Snapshots, type SnapshotsObserver, type SnapshotsStats } from "./snapshots/snapshots.js";
import { labelSet } from "./store/labels.js";
import type { Point, Steps } from "./store/series.js";
import { Store, type StoreStats } from "./store/store.js";

const pruningPeriodMs = 900_000;
const snapshotPeriodMs = 60_000;

/** Pages dropped in one turn of the event loop: about a millisecond of work. */
const prunedAtOnce = 8_192;

/** Writing a minute of points is much faster than this. */
const stopDeadlineMs = 1_500;

/** While older points are loaded, new ones may take this share of the memory. */
const shareWhileLoading = 0.25;

export interface TimeseriesOptions {
  /** Bytes of memory for points. */
  readonly maxBytes: number;
  /** Shortest pause between two points of a series. */
  readonly minIntervalMs: number;
  readonly retentionMs: number;
  readonly queryTimeoutMs: number;
  /** Bytes of memory for one query and its answer. */
  readonly queryBytes: number;
  /** The directory in which points survive a restart; absent: they do not. */
  readonly directory?: string;
}

export interface TimeseriesObserver extends SnapshotsObserver {
  /** Everything on disk has been loaded. */
  loaded(points: number, milliseconds: number): void;
  /** No segment could be written; reported once until it succeeds again. */
  saveFailed(error: Error): void;
  /** A segment could be written again. */
  saveRecovered(): void;
}

export interface TimeseriesStats extends StoreStats {
  readonly refused: Readonly<FeedCounts>;
  readonly queries: ReadonlyMap<QueryOutcome, number>;
  readonly snapshots: (SnapshotsStats & { readonly directory: string }) | undefined;
}

/** What prevents points from surviving a restart. */
export interface SnapshotTrouble {
  readonly directory: string;
  /** Why the last write failed. */
  readonly writing: Error | undefined;
  /** Segments that were damaged or could not be read at the start. */
  readonly refused: number;
}

/** The metrics of all nodes over time: stores them, answers queries, keeps them across a restart. */
export class Timeseries {
  readonly pruning: Pruning;
  readonly #options: TimeseriesOptions;
  readonly #observer: TimeseriesObserver;
  readonly #snapshots: Snapshots | undefined;
  readonly #queries: Queries;
  /** One for each connected node. */
  readonly #feeds = new WeakMap<MetricsView, NodeFeed>();
  readonly #refused: FeedCounts = { collided: 0, tooLong: 0, noRoom: 0, noRoomAt: Number.NEGATIVE_INFINITY };
  readonly #stopping = new AbortController();
  #store: Store;
  /** The share of older points that has been loaded. */
  #loadedShare = 1;
  #loading: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #savingFault: Error | undefined;
  #segmentsRefused = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(options: TimeseriesOptions, observer: TimeseriesObserver) {
    this.#options = options;
    this.#observer = observer;
    this.#store = new Store(options);
    this.#queries = new Queries({
      source: () => this.#store,
      limits: {
        timeoutMs: options.queryTimeoutMs,
        maxBytes: options.queryBytes,
        stopping: this.#stopping.signal,
      },
    });
    this.pruning = new Pruning({
      retentionMs: options.retentionMs,
      periodMs: pruningPeriodMs,
      prune: () => this.prune(),
    });
    if (options.directory === undefined) return;
    this.#snapshots = new Snapshots(options.directory, {
      refused: (file, putAside, error) => {
        this.#segmentsRefused += 1;
        observer.refused(file, putAside, error);
      },
    });
  }

  /** Opens it, ready to store metrics; older points are loaded meanwhile. @throws SnapshotError if its directory is unusable */
  static async open(options: TimeseriesOptions, observer: TimeseriesObserver): Promise<Timeseries> {
    const timeseries = new Timeseries(options, observer);
    try {
      await timeseries.#snapshots?.open();
    } catch (error) {
      timeseries.pruning.stop();
      throw error;
    }
    if (timeseries.#snapshots !== undefined) timeseries.#loading = timeseries.#load(timeseries.#snapshots);
    return timeseries;
  }

  /** 1 if queries are answered, otherwise the share that has been loaded. */
  get loadedShare(): number {
    return this.#loadedShare;
  }

  /** Resolves when older points are loaded. */
  async loaded(): Promise<void> {
    await this.#loading;
  }

  /** Stores a node's metrics at `time`, in milliseconds since 1970. */
  observe(nodeName: string, metrics: MetricsView, time: number): void {
    let feed = this.#feeds.get(metrics);
    if (feed === undefined) {
      feed = new NodeFeed(nodeName, this.#refused);
      this.#feeds.set(metrics, feed);
    }
    feed.observe(metrics, this.#store, Math.trunc(time));
  }

  /**
   * The JSON of a query's value at `time`; undefined if too many others are running. Call it only once all is loaded.
   *
   * @throws QueryError
   */
  query(
    query: string,
    time: number,
    options: { gzip: boolean; gone?: AbortSignal },
  ): Promise<Body | undefined> {
    return this.#queries.answer(query, time, options);
  }

  /** A node's metric, by its internal name, in equal steps; empty if nothing is kept of it. */
  course(nodeName: string, internalName: string, steps: Steps): Pick<Point, "time" | "value">[] {
    const { key } = labelSet({ node_name: nodeName });
    const series = this.#store.seriesOf(metricName(internalName)).find(({ labels }) => labels.key === key);
    if (series === undefined) return [];
    const times = new Float64Array(steps.count);
    const values = new Float64Array(steps.count);
    const found = series.sample(steps, this.#store.since, times, values);
    return Array.from({ length: found }, (_, index) => ({ time: times[index]!, value: values[index]! }));
  }

  /** The names of all metrics, ascending. */
  metrics(): readonly string[] {
    return this.#store.names();
  }

  /** Drops points older than the retention: queries no longer see them, and their memory is freed a few turns later. */
  prune(): void {
    const isDone = this.#store.prune(Date.now() - this.pruning.retentionMs, prunedAtOnce);
    if (!isDone) loopSlices.run(() => this.prune());
  }

  stats(): TimeseriesStats {
    const { directory } = this.#options;
    return {
      ...this.#store.stats(),
      refused: this.#refused,
      queries: this.#queries.outcomes,
      snapshots:
        this.#snapshots && directory !== undefined ? { ...this.#snapshots.stats(), directory } : undefined,
    };
  }

  /** What prevents points from surviving a restart; undefined if nothing does. */
  trouble(): SnapshotTrouble | undefined {
    const { directory } = this.#options;
    if (directory === undefined) return undefined;
    if (this.#savingFault === undefined && this.#segmentsRefused === 0) return undefined;
    return { directory, writing: this.#savingFault, refused: this.#segmentsRefused };
  }

  /** Writes new points to disk, if a directory is configured. */
  save(): Promise<void> {
    // More points may still arrive in the current millisecond.
    return this.#saveUntil(() => Date.now() - 1);
  }

  /** Writes the points of the last minute, and stops. Idempotent; waits until it has stopped. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.pruning.stop();
    clearInterval(this.#timer);
    const written = this.#loading?.then(() => this.#saveUntil(Date.now));
    // A disk that hangs must not prevent the daemon from exiting.
    await settledWithin(written, stopDeadlineMs);
  }

  async #load(snapshots: Snapshots): Promise<void> {
    const begun = performance.now();
    this.#loadedShare = 0;
    const older = this.#store;
    // Points that arrive meanwhile are newer; they are appended once everything is loaded.
    const { maxBytes, minIntervalMs } = this.#options;
    this.#store = new Store({ maxBytes: maxBytes * shareWhileLoading, minIntervalMs });
    await snapshots.load(older, {
      signal: this.#stopping.signal,
      progress: (share) => {
        this.#loadedShare = Math.min(share, 0.999);
      },
    });
    const { points } = older.stats();
    await copyStore(this.#store, older);
    this.#store = older;
    this.#loadedShare = 1;
    this.prune();
    if (this.#stopping.signal.aborted) return;
    this.#timer = setInterval(() => void this.save(), snapshotPeriodMs).unref();
    this.#observer.loaded(points, performance.now() - begun);
  }

  #saveUntil(until: () => number): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save(until()));
    return this.#saving;
  }

  async #save(until: number): Promise<void> {
    if (this.#snapshots === undefined) return;
    try {
      await this.#snapshots.save(this.#store, until);
      if (this.#savingFault !== undefined) this.#observer.saveRecovered();
      this.#savingFault = undefined;
    } catch (error) {
      if (this.#savingFault === undefined) this.#observer.saveFailed(error as Error);
      this.#savingFault = error as Error;
    }
  }
}
