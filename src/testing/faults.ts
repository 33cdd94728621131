import { faultyFileSystem } from "./disk-faults.js";
import { faultyLink } from "./faulty-link.js";

/** Faults of a tracer's disk, or of the link between it and its nodes, which a test starts and ends. */
export const faults = {
  /** A file system for `startTracer({ fileSystem })`. */
  fileSystem: faultyFileSystem,
  /** A link for nodes to connect through, or, if nodes listen, the tracer. */
  link: faultyLink,
} as const;
