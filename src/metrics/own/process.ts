import { EventLoopLag, type LagReading } from "./event-loop-lag.js";
import type { OwnFamilies } from "./families.js";
import { GarbageCollectionWatch, type GarbageCount } from "./garbage-collection.js";

/** What the process uses. Times are in seconds since the start, sizes in bytes. */
export interface ProcessReading {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Buffers outside the heap, including bytes of traces. */
  readonly externalBytes: number;
  readonly lag: LagReading;
  readonly garbage: ReadonlyMap<string, Readonly<GarbageCount>>;
}

/** Watches what the process uses. */
export class ProcessWatch {
  readonly #lag = new EventLoopLag();
  readonly #garbage = new GarbageCollectionWatch();

  read(): ProcessReading {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      userSeconds: user / 1e6,
      systemSeconds: system / 1e6,
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
      lag: this.#lag.read(),
      garbage: this.#garbage.read(),
    };
  }

  /** The longest recent lag, without reading everything else. */
  get longestLagSeconds(): number {
    return this.#lag.longest;
  }

  /** Idempotent. */
  stop(): void {
    this.#lag.stop();
    this.#garbage.stop();
  }
}

/** Start of the process, in seconds since 1970. */
const startedAt = (Date.now() - performance.now()) / 1_000;

/** @param version Muninn's own */
export function addProcessFamilies<Reading extends { readonly process: ProcessReading }>(
  families: OwnFamilies<Reading>,
  version: string,
): void {
  families.gauge(
    {
      name: "muninn_build_info",
      help: "Always 1; the labels give the versions of Muninn and Node.js.",
      labelNames: ["version", "node_version"],
    },
    () => [[{ version, node_version: process.versions.node }, 1]],
  );
  families.gauge(
    {
      name: "muninn_process_start_time_seconds",
      help: "Time at which the process started, in seconds since 1970.",
    },
    () => [[{}, startedAt]],
  );
  families.counter(
    {
      name: "muninn_process_cpu_seconds_total",
      help: "CPU time used in seconds, by mode: user or system.",
      labelNames: ["mode"],
    },
    ({ process: { userSeconds, systemSeconds } }) => [
      [{ mode: "user" }, userSeconds],
      [{ mode: "system" }, systemSeconds],
    ],
  );
  families.gauge(
    { name: "muninn_process_resident_memory_bytes", help: "Memory of the process in RAM, in bytes." },
    ({ process: { residentBytes } }) => [[{}, residentBytes]],
  );
  families.gauge(
    {
      name: "muninn_process_memory_bytes",
      help: "Memory in bytes, by use: heap_used and heap_total (of the JavaScript heap), external (buffers outside it).",
      labelNames: ["use"],
    },
    ({ process: { heapUsedBytes, heapTotalBytes, externalBytes } }) => [
      [{ use: "heap_used" }, heapUsedBytes],
      [{ use: "heap_total" }, heapTotalBytes],
      [{ use: "external" }, externalBytes],
    ],
  );
  families.counter(
    {
      name: "muninn_gc_pauses_total",
      help: "Pauses for garbage collection, by kind.",
      labelNames: ["kind"],
    },
    ({ process: { garbage } }) => [...garbage].map(([kind, { count }]) => [{ kind }, count]),
  );
  families.counter(
    {
      name: "muninn_gc_pause_seconds_total",
      help: "Seconds spent in pauses for garbage collection, by kind.",
      labelNames: ["kind"],
    },
    ({ process: { garbage } }) => [...garbage].map(([kind, { seconds }]) => [{ kind }, seconds]),
  );
  families.gauge(
    {
      name: "muninn_event_loop_lag_seconds",
      help: "Seconds by which the event loop was late in the last 10 to 20 seconds: median (p50), p99 and max.",
      labelNames: ["stat"],
    },
    ({ process: { lag } }) => Object.entries(lag).map(([stat, seconds]) => [{ stat }, seconds]),
  );
}
