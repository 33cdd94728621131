import type { Severity } from "../../protocol/trace-batch.js";

/** cardano-tracer's severities for messages of the daemon itself, least first. */
export { severities as logSeverities } from "../../protocol/trace-batch.js";
export type LogSeverity = Severity;

/** The least severity for each `verbosity` of the configuration; without it Info. */
const leastByVerbosity = {
  Minimum: "Notice",
  ErrorsOnly: "Error",
  Maximum: "Debug",
} as const satisfies Record<string, LogSeverity>;

export interface SeverityChoice {
  /** `--min-log-severity`; wins. */
  readonly minSeverity?: LogSeverity | undefined;
  /** `verbosity` of the configuration. */
  readonly verbosity?: keyof typeof leastByVerbosity | undefined;
}

/** The least severity that is logged. */
export function leastSeverity({ minSeverity, verbosity }: SeverityChoice): LogSeverity {
  if (minSeverity !== undefined) return minSeverity;
  return verbosity === undefined ? "Info" : leastByVerbosity[verbosity];
}
