import type { MetricValue } from "../protocol/metrics.js";

/**
 * What a forwarder has to send: a queue, a generator, a script or a recording. One source may serve all connections,
 * which then share its objects, or each connection one of its own.
 */
export interface ForwarderSource {
  /** Its current metrics. */
  readonly metrics: ReadonlyMap<string, MetricValue>;
  /** Its current data points, JSON documents. */
  readonly dataPoints: Pick<ReadonlyMap<string, Uint8Array | undefined>, "get">;
  /**
   * If data points must be asked for elsewhere: their values, instead of `dataPoints`; undefined for what is not
   * there. Never rejects.
   */
  askDataPoints?(names: readonly string[]): Promise<readonly (readonly [string, Uint8Array | undefined])[]>;
  /** Every object was taken and no more will come. */
  readonly isOver: boolean;
  /** Up to `count` of the current trace objects, encoded, in order. */
  takeNow(count: number): readonly Uint8Array[];
  /** As `takeNow`, and waits for the first; empty if no more will come or `signal` is aborted. */
  take(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** A connection that used the source has ended. */
  release?(): void;
}
