import { CodedError } from "../base/coded-error.js";
import type { NodeIdentity } from "../nodes/identity.js";
import type { MetricValue } from "../protocol/metrics.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import type { DropReason } from "./drop-reasons.js";

/**
 * The state of a sink. `degraded`: everything is still kept or counted, but an operator should look; `failing`: its objects
 * do not become safe.
 */
export interface SinkHealth {
  readonly state: "ok" | "degraded" | "failing";
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly reason?: string;
  /** What to do about it, for people. */
  readonly action?: string;
}

/** A family of metrics of one sink; all sinks of a kind have the same families, distinguished by the label `sink`. */
export interface SinkMetric {
  /** The whole name; a counter's ends in `_total`. */
  readonly name: string;
  /** One sentence, without quotes and line feeds. */
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** In addition to `sink`. @default none */
  readonly labelNames?: readonly string[];
  readonly read: () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
}

/** The nodes whose names are known, for sinks. */
export interface ConnectedNodes {
  nodes(): Iterable<{
    readonly node: NodeIdentity;
    readonly metrics: {
      readonly size: number;
      entries(): readonly (readonly [name: string, metric: MetricValue])[];
    };
    /** The node's connection; asks for data points, undefined if no answer came in time. */
    readonly session: {
      dataPoints(
        names: readonly string[],
        timeoutMs: number,
      ): Promise<ReadonlyMap<string, Uint8Array | undefined> | undefined>;
    };
  }>;
}

interface AnySink {
  /** Unique among the sinks; a label of metrics and log lines. */
  readonly name: string;
  readonly metrics?: readonly SinkMetric[];
  /** The node's connection has ended; unsettled objects continue. */
  close(node: NodeIdentity): void;
  health(): SinkHealth;
  /** Called once everything else is open: from now on the sink may read the connected nodes. */
  begin?(nodes: ConnectedNodes): void;
  /** Reads certificates, credentials and the like again (SIGHUP). @throws if they cannot be used; then nothing changes */
  reload?(): Promise<void>;
  /**
   * Accepts nothing more; makes its objects safe, for `deadlineMs` at most, and closes everything. Objects that are not safe by
   * then are given up as `stopped`. Idempotent, waits.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
}

/** Objects of one batch that will never be safe at a sink, by reason; the others are. */
export type Dropped = Readonly<Partial<Record<DropReason, number>>>;

/** Makes each batch safe by its own promise; the node is asked for no more until it is. */
export interface RequiredSink extends AnySink {
  readonly kind: "required";
  /** What to do, for people, while a write neither succeeds nor fails and the sink knows no reason. */
  readonly whenStuck: string;
  /** A node has its name; its batches may arrive from now on. */
  open(node: NodeIdentity): void;
  /**
   * Resolves when every object of the batch is safe by this sink's promise, or dropped; it resolves with those dropped. Rejects
   * with `SinkError` if none of it will ever be safe; any other error counts as `failed`.
   */
  write(node: NodeIdentity, batch: TraceBatch): Promise<Dropped | undefined>;
  /** Resolves when nothing written for this node, over any of its connections, is still on its way. */
  drained(node: NodeIdentity): Promise<void>;
}

/** Accepts what it can of each batch at once, and never delays one. */
export interface BestEffortSink extends AnySink {
  readonly kind: "best-effort";
  /** A node has its name; `account` is where its objects are counted, also after it has left. */
  open(node: NodeIdentity, account: ObjectAccount): void;
  /**
   * Copies what it wants of the batch, whose bytes are valid only until this returns, into a bounded queue. Objects meant for
   * this sink are counted `received` now, and `written` or `dropped` now or later. If it throws, it has counted none: the router
   * counts the whole batch as `failed`.
   */
  offer(node: NodeIdentity, batch: TraceBatch): void;
}

/** A place that trace objects go to. */
export type Sink = RequiredSink | BestEffortSink;

/** Counts the objects of one node at one best-effort sink. Whenever nothing is in flight, received = written + Σ dropped. */
export interface ObjectAccount {
  /** Counts objects of a batch that are meant for the sink, and their bytes as received. */
  received(objects: number, bytes: number): void;
  written(objects: number): void;
  dropped(reason: DropReason, objects: number): void;
}

/** A sink can never work as configured; `field` is the field that is wrong. */
export class SinkOpenError extends CodedError<{
  readonly code: "sink-unusable";
  readonly field: string;
  readonly message: string;
}> {
  override readonly name = "SinkOpenError";

  constructor(field: string, message: string, options?: ErrorOptions) {
    super(
      { "sink-unusable": (fault) => `${fault.field}: ${fault.message}` },
      { code: "sink-unusable", field, message },
      options,
    );
  }
}

/** A sink gives up on a batch, for a reason it knows. */
export class SinkError extends Error {
  override readonly name = "SinkError";
  readonly reason: DropReason;

  constructor(reason: DropReason, options?: ErrorOptions) {
    super(`given up: ${reason}`, options);
    this.reason = reason;
  }
}
