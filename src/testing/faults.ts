import { faultyFileSystem } from "./disk-faults.js";

/** Faults that a test puts under a tracer, or between it and its nodes, and takes away again. */
export const faults = {
  /** A file system for `startTracer({ fileSystem })`. */
  fileSystem: faultyFileSystem,
} as const;
