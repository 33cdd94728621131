import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";

/** Pauses of one kind of garbage collection, since the start. */
export interface GarbageCount {
  count: number;
  seconds: number;
}

const kinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak_callbacks",
};

/** An entry of type `gc`; Node's type declarations leave `detail` out. */
interface GarbageEntry extends PerformanceEntry {
  readonly detail: { readonly kind: number };
}

/** Counts the garbage collector's pauses. */
export class GarbageCollectionWatch {
  readonly #counts = new Map(Object.values(kinds).map((kind) => [kind, { count: 0, seconds: 0 }]));
  readonly #observer: PerformanceObserver;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const { detail, duration } of list.getEntries() as GarbageEntry[]) {
        const count = this.#counts.get(kinds[detail.kind] ?? "");
        if (count === undefined) continue;
        count.count += 1;
        count.seconds += duration / 1_000;
      }
    });
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** By kind: `minor`, `major`, `incremental`, `weak_callbacks`. */
  read(): ReadonlyMap<string, Readonly<GarbageCount>> {
    return this.#counts;
  }

  /** Idempotent. */
  stop(): void {
    this.#observer.disconnect();
  }
}
