import type { RegistryStats } from "./handle-registry.js";

/** What `RegistryStats` counts since the start. */
export type RegistryCounters = {
  -readonly [Name in Exclude<keyof RegistryStats, "maxOpenFiles" | `${string}Now`>]: number;
};

export function newCounters(): RegistryCounters {
  return {
    hits: 0,
    misses: 0,
    opened: 0,
    created: 0,
    reopened: 0,
    evicted: 0,
    idleClosed: 0,
    rotated: 0,
    expired: 0,
    vanished: 0,
    tornClosed: 0,
    writes: 0,
    bytesWritten: 0,
    failedAttempts: 0,
    possiblyDoubledBytes: 0,
  };
}
