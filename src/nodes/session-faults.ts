import { CodedError, type Sentences } from "../base/coded-error.js";

/** Why a session ended, other than the peer's bad bytes (those are `ProtocolError`). */
export type SessionFault =
  /** The peer connected and left again, or said nothing: not one byte arrived. Load balancers do that. */
  | { code: "probe" }
  /** The handshake did not end within its deadline. */
  | { code: "handshake-timeout"; timeoutMs: number }
  /** The peer left before the handshake was over. */
  | { code: "handshake-cut" }
  /** A request has been unanswered for so long that the peer is probably gone. */
  | { code: "peer-silent"; timeoutMs: number }
  /** The peer sends, and reads nothing of what we send. */
  | { code: "peer-not-reading"; unreadBytes: number }
  /** Too many new names came from its address. */
  | { code: "too-many-names"; address: string }
  /** The names of too many peers that have left are still being processed. */
  | { code: "too-many-leaving" }
  /** Unfinished objects or answers of all peers take too much memory, and this peer's take most of it. */
  | { code: "no-room" }
  /** The connection's credentials do not allow a node of this name; undefined: it gave none. */
  | { code: "name-not-allowed"; node: string | undefined }
  /** The socket failed. */
  | { code: "connection-failed" }
  /** The peer's bytes caused an unforeseen failure: an error in this program. */
  | { code: "internal-error" }
  /** We closed it for a reason of our own. */
  | { code: "closed-by-us"; reason: string };

const sentences: Sentences<SessionFault> = {
  probe: () => "it left without sending a byte",
  "handshake-timeout": (fault) => `no complete handshake within ${fault.timeoutMs} ms`,
  "handshake-cut": () => "the peer left before the handshake was over",
  "peer-silent": (fault) =>
    `no answer to a metrics request for ${fault.timeoutMs} ms: the peer is probably gone`,
  "peer-not-reading": (fault) =>
    `the peer sends without reading: ${fault.unreadBytes} bytes of requests wait for it`,
  "too-many-names": (fault) => `too many new names of nodes from ${fault.address}: new names are limited`,
  "too-many-leaving": () =>
    "too many peers have left while their names were still being processed; connect again later",
  "no-room": () => "unfinished messages of all peers take too much memory, and this peer's the most",
  "name-not-allowed": (fault) =>
    fault.node === undefined
      ? "it gives no name, and its credentials are only for nodes with certain names"
      : `it calls itself ${fault.node}, and its credentials are for other nodes`,
  "connection-failed": (_, cause) => `the connection failed: ${cause}`,
  "internal-error": (_, cause) => `an error in Muninn, please report it: ${cause}`,
  "closed-by-us": (fault) => fault.reason,
};

export class SessionError extends CodedError<SessionFault> {
  override readonly name = "SessionError";

  constructor(fault: SessionFault, options?: ErrorOptions) {
    super(sentences, fault, options);
  }
}
