/** Why a session ended that was not the peer's bad bytes (those are `ProtocolError`). */
export type SessionFault =
  /** The peer connected and left again, or said nothing: not one byte came. Load balancers look like that. */
  | { code: "probe" }
  /** The handshake did not end within its deadline. */
  | { code: "handshake-timeout"; timeoutMs: number }
  /** The peer left before the handshake was over. */
  | { code: "handshake-cut" }
  /** A request was not answered for so long that the peer must be gone. */
  | { code: "peer-silent"; timeoutMs: number }
  /** The peer sends, and reads nothing of what we send. */
  | { code: "peer-not-reading"; unreadBytes: number }
  /** Its address has brought too many names that nobody has heard of. */
  | { code: "too-many-names"; address: string }
  /** Unfinished objects or answers of all peers take more memory than they may, and this peer's most of it. */
  | { code: "no-room" }
  /** The credentials of the connection are not for a node of this name; undefined is one that told none. */
  | { code: "name-not-allowed"; node: string | undefined }
  /** The socket failed. */
  | { code: "connection-failed" }
  /** What the peer sent made us fail in a way that nobody foresaw: an error in this program. */
  | { code: "internal-error" }
  /** We closed it, for a reason of ours. */
  | { code: "closed-by-us"; reason: string };

export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly fault: SessionFault;

  constructor(fault: SessionFault, options?: ErrorOptions) {
    super(describeFault(fault, options?.cause), options);
    this.fault = fault;
  }
}

function describeFault(fault: SessionFault, cause: unknown): string {
  switch (fault.code) {
    case "probe":
      return "it left without a byte";
    case "handshake-timeout":
      return `no complete handshake within ${fault.timeoutMs} ms`;
    case "handshake-cut":
      return "the peer left before the handshake was over";
    case "peer-silent":
      return `no answer to a metrics request for ${fault.timeoutMs} ms: the peer must be gone`;
    case "peer-not-reading":
      return `the peer sends without reading: ${fault.unreadBytes} bytes of requests wait for it`;
    case "too-many-names":
      return `too many new names of nodes from ${fault.address}: names nobody has heard of are limited`;
    case "no-room":
      return "unfinished messages of all peers take too much memory, and most of it is this one's";
    case "name-not-allowed":
      return fault.node === undefined
        ? "it tells no name, and its credentials are for nodes with certain names only"
        : `it calls itself ${fault.node}, and its credentials are for other nodes`;
    case "connection-failed":
      return `the connection failed: ${reasonOf(cause)}`;
    case "internal-error":
      return `an error in Muninn, please report it: ${reasonOf(cause)}`;
    case "closed-by-us":
      return fault.reason;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : "no reason given";
}
