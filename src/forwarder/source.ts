import type { MetricValue } from "../protocol/metrics.js";

/** What a node has to say, whoever asks: a generator, a script or a recording. */
export interface ForwarderSource {
  /** Its metrics at the moment. */
  readonly metrics: ReadonlyMap<string, MetricValue>;
  /** Its data points, JSON documents. */
  readonly dataPoints: ReadonlyMap<string, Uint8Array | undefined>;
  /** Every object was taken and no more will come. */
  readonly isOver: boolean;
  /** Up to `count` trace objects that are there now, encoded, in order. */
  takeNow(count: number): readonly Uint8Array[];
  /** As `takeNow`, and waits for the first; empty where no more will come or `signal` is aborted. */
  take(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]>;
}
