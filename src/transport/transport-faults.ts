import type { Address } from "./address.js";
import { formatAddress } from "./address.js";

/** Why listening cannot begin. */
export type TransportFault =
  /** Another process listens there. */
  | { code: "address-in-use"; address: Address }
  /** Something that is no socket is in the socket's place. */
  | { code: "not-a-socket"; path: string }
  | { code: "cannot-listen"; address: Address };

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
    case "cannot-listen":
      return `cannot listen at ${formatAddress(fault.address)}: ${cause instanceof Error ? cause.message : "no reason given"}`;
  }
}
