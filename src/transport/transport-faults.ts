import { CodedError, type Sentences } from "../base/coded-error.js";
import type { LinkAddress } from "./address.js";
import { formatAddress } from "./address.js";

/** Why it cannot listen. */
export type TransportFault =
  /** Another process listens there. */
  | { code: "address-in-use"; address: LinkAddress }
  /** Something that is not a socket is in the socket's place. */
  | { code: "not-a-socket"; path: string }
  /** The directory above the socket's own, `missing`, does not exist. */
  | { code: "no-directory"; path: string; missing: string }
  | { code: "cannot-listen"; address: LinkAddress };

const sentences: Sentences<TransportFault> = {
  "address-in-use": (fault) =>
    `${formatAddress(fault.address)} is in use: another tracer, or another program, listens there`,
  "not-a-socket": (fault) =>
    `${fault.path} exists and is not a socket, so it is left alone. Remove it or listen elsewhere`,
  "no-directory": (fault) =>
    `cannot listen at ${fault.path}: there is no directory ${fault.missing}. Create it, or correct the path: only the socket's own directory is created where it is missing`,
  "cannot-listen": (fault, cause) => `cannot listen at ${formatAddress(fault.address)}: ${cause}`,
};

export class TransportError extends CodedError<TransportFault> {
  override readonly name = "TransportError";

  constructor(fault: TransportFault, options?: ErrorOptions) {
    super(sentences, fault, options);
  }
}
