/**
 * What a peer can do wrong, as closed codes with typed facts. Any of these ends that peer's connection and
 * nothing else; decide by `code`, never by message.
 */
export type ProtocolFault =
  /** A segment without payload; current Haskell peers treat it as fatal. */
  | { code: "segment-empty"; miniProtocol: number }
  /** The direction bit says the segment was sent by us. */
  | { code: "segment-wrong-direction"; miniProtocol: number }
  | { code: "mini-protocol-unknown"; miniProtocol: number }
  /** A message (or one trace object) is longer than its limit, in bytes. */
  | { code: "too-long"; what: string; limit: number }
  /** CBOR nested deeper than any message of the protocol needs. */
  | { code: "too-deep"; what: string; limit: number }
  /** The bytes are not what the grammar allows here. `expected` and `found` are ours, never the peer's text. */
  | { code: "malformed"; what: string; expected: string; found: string }
  | { code: "invalid-utf8"; what: string }
  /** A message that is well formed but not allowed now. */
  | { code: "unexpected-message"; what: string; state: string }
  /** We refused the peer, or the peer refused us. */
  | { code: "handshake-refused"; by: "us" | "peer"; reason: string };

export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly fault: ProtocolFault;

  constructor(fault: ProtocolFault, options?: ErrorOptions) {
    super(describeFault(fault), options);
    this.fault = fault;
  }
}

function describeFault(fault: ProtocolFault): string {
  switch (fault.code) {
    case "segment-empty":
      return `a segment of mini-protocol ${fault.miniProtocol} has no payload`;
    case "segment-wrong-direction":
      return `a segment of mini-protocol ${fault.miniProtocol} has the wrong direction bit`;
    case "mini-protocol-unknown":
      return `unknown mini-protocol ${fault.miniProtocol}`;
    case "too-long":
      return `${fault.what} is longer than ${fault.limit} bytes`;
    case "too-deep":
      return `${fault.what} is nested deeper than ${fault.limit} levels`;
    case "malformed":
      return `${fault.what}: expected ${fault.expected}, found ${fault.found}`;
    case "invalid-utf8":
      return `${fault.what} is not valid UTF-8`;
    case "unexpected-message":
      return `unexpected ${fault.what} while ${fault.state}`;
    case "handshake-refused":
      return fault.by === "us" ? `refused: ${fault.reason}` : `the peer refused: ${fault.reason}`;
  }
}
