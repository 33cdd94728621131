import type { OwnFamilies } from "./families.js";

/** Counts since the start, as the handle registry keeps them: name of the metric and help for each. */
const counters = {
  hits: ["hits", "Writes that found their log file open."],
  misses: ["misses", "Writes that had to open their log file first."],
  opened: ["opened", "Log files opened, including new ones."],
  created: ["created", "Log files created."],
  reopened: ["reopened", "Existing log files opened to continue them."],
  evicted: ["evicted", "Log files closed because another log needed the file handle."],
  idleClosed: ["idle_closed", "Log files closed because nothing was written to them for a while."],
  rotated: ["rotated", "Log files ended because they had reached their size limit."],
  expired: ["expired", "Old log files deleted by retention."],
  vanished: ["vanished", "Current log files that somebody else deleted or renamed."],
  tornClosed: [
    "torn_closed",
    "Incomplete last lines, left by a killed process, that were closed with a line feed.",
  ],
  writes: ["writes", "Successful write calls to log files."],
  bytesWritten: ["written_bytes", "Bytes written to log files."],
  failedAttempts: ["failed_attempts", "Failed attempts to open or write a log file; each is retried."],
  possiblyDoubledBytes: [
    "possibly_doubled_bytes",
    "Bytes written again after a failed sync; they may be in the files twice.",
  ],
} as const;

/** Its current state. */
const gauges = {
  openNow: ["handles_open", "Log files open now."],
  pinnedNow: ["handles_pinned", "Log files being written now."],
  maxOpenFiles: ["handles_limit", "Most log files that may be open at once."],
  logsNow: ["logs", "Logs that are kept open or known."],
  unwrittenBytesNow: ["unwritten_bytes", "Bytes received for log files but not written yet."],
  faultsNow: ["faults", "Logs whose writes fail at the moment; they are retried."],
  oldestFaultSeconds: [
    "oldest_retry_age_seconds",
    "Seconds for which the longest failing log has been retried; 0 if none fails.",
  ],
} as const;

/** `RegistryStats` of the handle registry, and a summary of its faults. */
export type RegistryReading = Readonly<Record<keyof typeof counters | keyof typeof gauges, number>>;

export function addRegistryFamilies<Reading extends { readonly registry: RegistryReading }>(
  families: OwnFamilies<Reading>,
): void {
  for (const [key, [name, help]] of entries(counters)) {
    families.counter({ name: `muninn_registry_${name}_total`, help }, ({ registry }) => [
      [{}, registry[key]],
    ]);
  }
  for (const [key, [name, help]] of entries(gauges)) {
    families.gauge({ name: `muninn_registry_${name}`, help }, ({ registry }) => [[{}, registry[key]]]);
  }
}

function entries<Key extends string, Value>(record: Readonly<Record<Key, Value>>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
