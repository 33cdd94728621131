import type { ProtocolError } from "../protocol/faults.js";
import type { AnswerReceiver } from "../protocol/metrics.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import type { AnswerBudget } from "./answer-budget.js";
import type { FlightBudget } from "./flight-budget.js";
import type { NodeIdentity } from "./identity.js";
import type { MetricsPace } from "./metrics-poll.js";
import type { NameSource } from "./node-info.js";
import type { ReadingTurns } from "./reading-turns.js";
import type { ScanBatching } from "./scan-batching.js";
import type { SessionError, SessionFault } from "./session-faults.js";

export interface SessionSettings {
  readonly networkMagic: number;
  /** Trace objects per request. */
  readonly requestCount: number;
  readonly metricsPace: MetricsPace;
  readonly maxObjectBytes: number;
  /** The rest of a longer metrics answer is skipped. */
  readonly maxMetricsBytes: number;
  /** Limit of a data-point answer. */
  readonly maxDataPointBytes: number;
  /** Most kept metrics of one node. */
  readonly maxMetricsPerNode: number;
  /** Trace-object requests outstanding at most. */
  readonly requestsAhead: number;
  readonly handshakeTimeoutMs: number;
  readonly nameTimeoutMs: number;
  /** A node that has not given its name for this long is asked for more objects meanwhile. */
  readonly namePatienceMs: number;
  /** Sources of a node's name; the first that gives one is used. */
  readonly nameFrom: readonly NameSource[];
  readonly silenceMs: number;
}

/** The names of a node, or why it gets none. */
export type Claim = { readonly node: NodeIdentity } | { readonly refused: SessionFault };

/** What a session needs from the tracer around it; `Session` is the type of the sessions that it serves. */
export interface SessionHost<Session> {
  /** Shared by all sessions, as are the turns and the memory. */
  readonly budget: FlightBudget;
  readonly answers: AnswerBudget;
  readonly turns: ReadingTurns;
  readonly batching: ScanBatching;
  readonly memory: SpareMemory;
  /** The handshake is complete. */
  connected(session: Session): void;
  /** Gives the session its names; `rawName` is undefined if the node gave none. */
  claim(session: Session, rawName: string | undefined): Promise<Claim>;
  /** Whether a node is asked for trace objects before it has given its name. */
  mayAskUnnamed(session: Session): boolean;
  /** The node has its name and its batches may come. */
  opened(session: Session, node: NodeIdentity): void;
  /** Resolves with whether the batch is safe, once that is known. */
  deliver(node: NodeIdentity, batch: TraceBatch): Promise<boolean>;
  /** These were received from a node that got no name: they will never be written. */
  refused(held: { readonly objects: number; readonly bytes: number }): void;
  /** Resolves when nothing received from a node of this name is unsafe. */
  drained(node: NodeIdentity): Promise<void>;
  /** An answer begins, with all metrics or the changed ones; returns the receiver. */
  metrics(session: Session, whole: boolean): AnswerReceiver;
  /** The connection is gone and every batch was passed on; `fault` is absent after a normal end by either side. */
  ended(session: Session, end: SessionEnd): void;
}

export interface SessionEnd {
  readonly node: NodeIdentity | undefined;
  readonly fault: ProtocolError | SessionError | undefined;
  /** The handshake had been completed. */
  readonly handshakeDone: boolean;
  /** The peer left in the middle of a reply: an unfinished object was lost on the way. */
  readonly midReply: boolean;
}
