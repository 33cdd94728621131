/** When a file is full, and how long old files are kept. */
export interface RotationRules {
  /** Pause between checks of sizes and ages, in milliseconds. */
  readonly frequencyMs: number;
  /** Size from which a file is full. */
  readonly limitBytes: number;
  /** Files that ended longer ago are deleted, in milliseconds. */
  readonly maxAgeMs: number;
  /** Files of a log kept in addition to its newest one, however old. */
  readonly keepFiles: number;
}
