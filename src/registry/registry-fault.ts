import type { LogId, OtherWriter } from "./handle-registry.js";

/** What a registry refuses for good. */
export type RegistryFault =
  /** Another tracer runs the same configuration. */
  | { code: "already-running"; root: string; by: OtherWriter }
  | { code: "root-unusable"; root: string }
  /** The root is none of the registry's, or the directory is not one component of a path. */
  | { code: "log-invalid"; log: LogId }
  /** What was appended does not end with a line feed. */
  | { code: "line-unfinished"; log: LogId };

export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly fault: RegistryFault;

  constructor(fault: RegistryFault, options?: ErrorOptions) {
    super(describeFault(fault, options?.cause), options);
    this.fault = fault;
  }
}

function describeFault(fault: RegistryFault, cause: unknown): string {
  switch (fault.code) {
    case "already-running": {
      const { pid, identity, since } = fault.by;
      return `another tracer runs this configuration already: process ${pid}, ${identity}, below ${fault.root} since ${since}; stop it first`;
    }
    case "root-unusable":
      return `cannot write below ${fault.root}: ${cause instanceof Error ? cause.message : "no reason given"}`;
    case "log-invalid":
      return `${JSON.stringify(fault.log.directory)} below ${fault.log.root} is no place for a log of this registry`;
    case "line-unfinished":
      return `lines for ${fault.log.directory} do not end with a line feed`;
  }
}
