import type { LinkAddress } from "./address.js";
import { formatAddress } from "./address.js";

/** Why listening cannot begin. */
export type TransportFault =
  /** Another process listens there. */
  | { code: "address-in-use"; address: LinkAddress }
  /** Something that is no socket is in the socket's place. */
  | { code: "not-a-socket"; path: string }
  /** The directory above the socket's own, `missing`, is not there. */
  | { code: "no-directory"; path: string; missing: string }
  | { code: "cannot-listen"; address: LinkAddress };

export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly fault: TransportFault;

  constructor(fault: TransportFault, options?: ErrorOptions) {
    super(describeFault(fault, options?.cause), options);
    this.fault = fault;
  }
}

function describeFault(fault: TransportFault, cause: unknown): string {
  switch (fault.code) {
    case "address-in-use":
      return `${formatAddress(fault.address)} is in use: another tracer, or another program, listens there`;
    case "not-a-socket":
      return `${fault.path} is there already and is no socket; it is left alone. Remove it or listen elsewhere`;
    case "no-directory":
      return `cannot listen at ${fault.path}: there is no directory ${fault.missing}. Make it, or correct the path: only the socket's own directory is made where it is missing`;
    case "cannot-listen":
      return `cannot listen at ${formatAddress(fault.address)}: ${cause instanceof Error ? cause.message : "no reason given"}`;
  }
}
