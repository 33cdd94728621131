import type { OwnFamilies } from "./families.js";

/** Counts since the start, as the handle registry keeps them: name of the metric and help for each. */
const counters = {
  hits: ["hits", "Writes that found their log file open."],
  misses: ["misses", "Writes that had to open their log file."],
  opened: ["opened", "Log files opened, new ones included."],
  created: ["created", "Log files created."],
  reopened: ["reopened", "Log files opened again to continue them."],
  evicted: ["evicted", "Log files closed to make room for another."],
  idleClosed: ["idle_closed", "Log files closed because they were idle."],
  rotated: ["rotated", "Log files finished because they were full."],
  expired: ["expired", "Old log files deleted."],
  vanished: ["vanished", "Current log files that were deleted or renamed by others."],
  tornClosed: ["torn_closed", "Torn last lines of a killed predecessor that were closed."],
  writes: ["writes", "Write calls that succeeded."],
  bytesWritten: ["written_bytes", "Bytes written to log files."],
  failedAttempts: [
    "failed_attempts",
    "Attempts to open or write a log file that failed and are tried again.",
  ],
  possiblyDoubledBytes: ["possibly_doubled_bytes", "Bytes written again because a sync had failed."],
} as const;

/** Its current state. */
const gauges = {
  openNow: ["handles_open", "Log files that are open."],
  pinnedNow: ["handles_pinned", "Open log files that are being written."],
  maxOpenFiles: ["handles_limit", "Log files that may be open at the same time."],
  logsNow: ["logs", "Logs that the registry manages."],
  unwrittenBytesNow: ["unwritten_bytes", "Bytes received for log files and not yet written."],
  faultsNow: ["faults", "Logs whose writes currently fail."],
  oldestFaultSeconds: [
    "oldest_retry_age_seconds",
    "For how long the oldest failing write has been tried again.",
  ],
} as const;

/** `RegistryStats` of the handle registry, and what its faults amount to. */
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
