import { faultyFileSystem } from "./disk-faults.js";
import { faultyLink } from "./faulty-link.js";

/** Faults that a test puts under a tracer, or between it and its nodes, and takes away again. */
export const faults = {
  /** A file system for `startTracer({ fileSystem })`. */
  fileSystem: faultyFileSystem,
  /** A link for nodes to connect through, or, if nodes listen, the tracer. */
  link: faultyLink,
} as const;
