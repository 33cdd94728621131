import type { HealthReport } from "../health/health-report.js";

// The answers to the page and other programs, as JSON (docs/ui.md). Times are milliseconds since 1970, or ISO 8601 in
// UTC.

/** `/api/overview` */
export interface Overview {
  readonly version: string;
  readonly at: number;
  readonly startedAt: number;
  readonly health: HealthReport;
  /** A row for each sink. */
  readonly totals: readonly Totals[];
  readonly nodes: readonly NodeSummary[];
  readonly disks: readonly DiskSummary[];
  readonly handles: { readonly open: number; readonly most: number };
  /** Minutes that `bySeverity` is about. */
  readonly minutes: number;
}

/** What became of the objects for one sink. */
interface Totals {
  readonly sink: string;
  readonly received: number;
  readonly written: number;
  readonly dropped: number;
}

export interface NodeSummary {
  readonly name: string;
  readonly slug: string;
  readonly isConnected: boolean;
  /** When it connected, or left; in milliseconds since 1970. */
  readonly since: number;
  /** Version of the node's software; absent until the node has reported it. */
  readonly version?: string;
  /** Trace objects per second. */
  readonly rate: number;
  readonly total: number;
  readonly lastAt?: number;
  /** Counts of the last minutes, from Debug to Emergency. */
  readonly bySeverity: readonly number[];
}

interface DiskSummary {
  readonly path: string;
  readonly sizeBytes: number;
  readonly availableBytes: number;
}

/** `/api/node/SLUG` */
export interface NodeDetails extends NodeSummary {
  /** What the node reports about itself. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Values are texts, because JavaScript's numbers are exact only up to 2^53. */
  readonly metrics: readonly (readonly [name: string, kind: "counter" | "gauge" | "label", value: string])[];
}

/** `/api/history/SLUG/METRIC` */
export interface MetricHistory {
  /** Milliseconds since 1970, ascending, and the value then. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

/** `/api/files` */
export interface FilesOverview {
  readonly rotation?: {
    readonly limitBytes: number;
    readonly maxAgeMs: number;
    readonly keepFiles: number;
    readonly frequencyMs: number;
  };
  readonly logs: readonly LogSummary[];
  /** How many more directories there are, which were not read. */
  readonly left: number;
}

/** The files of one node below one root, of both formats. */
export interface LogSummary {
  readonly root: string;
  readonly directory: string;
  readonly files: readonly FileSummary[];
  /** How many more files there are, all older. */
  readonly left: number;
  readonly bytes: number;
}

interface FileSummary {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970 of its last change. */
  readonly changedAt: number;
}
