import type { NodeIdentity } from "../nodes/identity.js";
import type { TraceBatch } from "../protocol/trace-batch.js";

export interface SinkHealth {
  readonly state: "ok" | "failing";
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly reason?: string;
}

/** A place that trace objects go to. */
export interface Sink {
  /** Unique among the sinks; a label of metrics and log lines. */
  readonly name: string;
  /** Every batch must reach it. */
  readonly required: boolean;
  /** A node has its name; its batches may come from now on. */
  open(node: NodeIdentity): void;
  /** Resolves when the batch is safe by this sink's promise. Rejects only when it never will be. */
  write(node: NodeIdentity, batch: TraceBatch): Promise<void>;
  /** Resolves when nothing written for this node, by whichever connection, is still on its way. */
  drained(node: NodeIdentity): Promise<void>;
  /** The node's connection ended; batches under way stay under way. */
  close(node: NodeIdentity): void;
  health(): SinkHealth;
}
