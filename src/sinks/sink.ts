import { CodedError } from "../coded-error.js";
import type { NodeIdentity } from "../nodes/identity.js";
import type { MetricValue } from "../protocol/metrics.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import type { DropReason } from "./drop-reasons.js";

/**
 * The state of a sink. `degraded`: everything is still kept or counted, but an operator should look; `failing`: what
 * it is given does not become safe.
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
  /** Whole name; that of a counter ends in `_total`. */
  readonly name: string;
  /** One sentence, without quotes and line feeds. */
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** Besides `sink`. @default none */
  readonly labelNames?: readonly string[];
  readonly read: () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
}

/** The nodes whose names are known, as a sink may look at them. */
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
  /** The node's connection ended; what is under way stays under way. */
  close(node: NodeIdentity): void;
  health(): SinkHealth;
  /** All else is there: from now on it may look at the nodes that are connected. */
  begin?(nodes: ConnectedNodes): void;
  /** Certificates, credentials and the like are read again (SIGHUP). @throws where they cannot be used; then nothing changes */
  reload?(): Promise<void>;
  /**
   * Takes nothing more; makes safe what it was given, for `deadlineMs` at most, and lets everything go. What is not safe
   * by then is given up as `stopped`. Idempotent, waits.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
}

/** Objects of one batch that will never be safe at a sink, by reason; the others are. */
export type Dropped = Readonly<Partial<Record<DropReason, number>>>;

/** Makes each batch safe by its own promise; the node is asked for no more until it is. */
export interface RequiredSink extends AnySink {
  readonly kind: "required";
  /** A node has its name; its batches may come from now on. */
  open(node: NodeIdentity): void;
  /**
   * Resolves when every object of the batch is safe by this sink's promise, or is one of those dropped that it resolves
   * with. Rejects with `SinkError` where none of it ever will be; any other error counts as `failed`.
   */
  write(node: NodeIdentity, batch: TraceBatch): Promise<Dropped | undefined>;
  /** Resolves when nothing written for this node, by whichever connection, is still on its way. */
  drained(node: NodeIdentity): Promise<void>;
}

/** Takes what it can of each batch at once, and never holds one up. */
export interface BestEffortSink extends AnySink {
  readonly kind: "best-effort";
  /** A node has its name; `account` is where its objects are counted, also after it has left. */
  open(node: NodeIdentity, account: ObjectAccount): void;
  /**
   * Copies what it wants of the batch, whose bytes are valid only until this returns, into a bounded queue. Whatever is
   * meant for this sink is counted `received` now, and `written` or `dropped` now or later.
   */
  offer(node: NodeIdentity, batch: TraceBatch): void;
}

/** A place that trace objects go to. */
export type Sink = RequiredSink | BestEffortSink;

/** Counts the objects of one node at one best-effort sink. At every quiet moment received = written + Σ dropped. */
export interface ObjectAccount {
  /** Objects of a batch that are meant for the sink, and their bytes as they came. */
  received(objects: number, bytes: number): void;
  written(objects: number): void;
  dropped(reason: DropReason, objects: number): void;
}

/** A sink of the configuration can never work as it is described there; `field` is where. */
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
