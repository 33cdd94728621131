/** cardano-tracer's names for how much a message of the daemon itself matters, least first. */
export const logSeverities = [
  "Debug",
  "Info",
  "Notice",
  "Warning",
  "Error",
  "Critical",
  "Alert",
  "Emergency",
] as const;

export type LogSeverity = (typeof logSeverities)[number];

/** What `verbosity` of the configuration lets through; without it everything from Info on. */
const leastByVerbosity = {
  Minimum: "Notice",
  ErrorsOnly: "Error",
  Maximum: "Debug",
} as const satisfies Record<string, LogSeverity>;

export interface SeverityWishes {
  /** `--min-log-severity`; wins. */
  readonly minSeverity?: LogSeverity | undefined;
  /** `verbosity` of the configuration. */
  readonly verbosity?: keyof typeof leastByVerbosity | undefined;
}

/** The least severity that is logged. */
export function leastSeverity({ minSeverity, verbosity }: SeverityWishes): LogSeverity {
  if (minSeverity !== undefined) return minSeverity;
  return verbosity === undefined ? "Info" : leastByVerbosity[verbosity];
}
