/** Why a session ended that was not the peer's bad bytes (those are `ProtocolError`). */
export type SessionFault =
  /** The handshake did not end within its deadline. */
  | { code: "handshake-timeout"; timeoutMs: number }
  /** The peer left before the handshake was over. */
  | { code: "handshake-cut" }
  /** A request was not answered for so long that the peer must be gone. */
  | { code: "peer-silent"; timeoutMs: number }
  /** The peer sends, and reads nothing of what we send. */
  | { code: "peer-not-reading"; unreadBytes: number }
  /** The socket failed. */
  | { code: "connection-failed" }
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
    case "handshake-timeout":
      return `no complete handshake within ${fault.timeoutMs} ms`;
    case "handshake-cut":
      return "the peer left before the handshake was over";
    case "peer-silent":
      return `no answer to a metrics request for ${fault.timeoutMs} ms: the peer must be gone`;
    case "peer-not-reading":
      return `the peer sends without reading: ${fault.unreadBytes} bytes of requests wait for it`;
    case "connection-failed":
      return `the connection failed: ${cause instanceof Error ? cause.message : "no reason given"}`;
    case "closed-by-us":
      return fault.reason;
  }
}
