/** Our side of one mini-protocol of one connection. */
export interface MiniProtocolSide {
  /** Takes bytes of it as they come. @throws ProtocolError */
  receive(payload: Uint8Array): void;
  /** The connection is gone: nothing more will come, and who waits for something gets nothing. Idempotent. */
  end(): void;
}
