import type { MetricValue } from "../protocol/metrics.js";

/**
 * What a forwarder sends: a queue, a generator, a script or a recording. All connections may share one source, and then its
 * objects, or each has its own.
 */
export interface ForwarderSource {
  /** Its current metrics. */
  readonly metrics: ReadonlyMap<string, MetricValue>;
  /** Its current data points, JSON documents. */
  readonly dataPoints: Pick<ReadonlyMap<string, Uint8Array | undefined>, "get">;
  /**
   * Used instead of `dataPoints` if they must be requested from elsewhere: their values, undefined for absent ones.
   * Never rejects.
   */
  askDataPoints?(names: readonly string[]): Promise<readonly (readonly [string, Uint8Array | undefined])[]>;
  /** All objects have been taken and no more will be added. */
  readonly isOver: boolean;
  /** Up to `count` of the current trace objects, encoded, in order. */
  takeNow(count: number): readonly Uint8Array[];
  /** Like `takeNow`, but waits for the first object; empty if no more will be added or `signal` is aborted. */
  take(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** A connection that used the source has ended. */
  release?(): void;
}
