/** Our side of one mini-protocol of one connection. */
export interface MiniProtocolSide {
  /** Takes bytes of it as they arrive. @throws ProtocolError */
  receive(payload: Uint8Array): void;
  /** The connection is gone: nothing more will arrive, and pending waits end with nothing. Idempotent. */
  end(): void;
}
