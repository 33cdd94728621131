import { CodedError, type Sentences } from "../base/coded-error.js";
import type { LogId, OtherWriter } from "./handle-registry.js";

/** What a registry refuses for good. */
export type RegistryFault =
  /** Another tracer runs the same configuration. */
  | { code: "already-running"; root: string; by: OtherWriter }
  | { code: "root-unusable"; root: string }
  /** The root is not one of the registry's, or the directory is not one component of a path. */
  | { code: "log-invalid"; log: LogId }
  /** What was appended does not end with a line feed. */
  | { code: "line-unfinished"; log: LogId };

const sentences: Sentences<RegistryFault> = {
  "already-running": (fault) => {
    const { pid, identity, since } = fault.by;
    return `another tracer already runs this configuration: process ${pid}, ${identity}, below ${fault.root} since ${since}; stop it first`;
  },
  "root-unusable": (fault, cause) => `cannot write below ${fault.root}: ${cause}`,
  "log-invalid": (fault) =>
    `${JSON.stringify(fault.log.directory)} below ${fault.log.root} is not a directory of this registry's logs`,
  "line-unfinished": (fault) => `lines for ${fault.log.directory} do not end with a line feed`,
};

export class RegistryError extends CodedError<RegistryFault> {
  override readonly name = "RegistryError";

  constructor(fault: RegistryFault, options?: ErrorOptions) {
    super(sentences, fault, options);
  }
}
