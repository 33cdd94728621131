import { CodedError, type Sentences } from "../base/coded-error.js";

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
  /** A well-formed message that is not allowed at this point. */
  | { code: "unexpected-message"; what: string; state: string }
  /** We refused the peer, or the peer refused us. */
  | { code: "handshake-refused"; by: "us" | "peer"; reason: string };

const sentences: Sentences<ProtocolFault> = {
  "segment-empty": (fault) => `a segment of mini-protocol ${fault.miniProtocol} has no payload`,
  "segment-wrong-direction": (fault) =>
    `a segment of mini-protocol ${fault.miniProtocol} has the wrong direction bit`,
  "mini-protocol-unknown": (fault) => `unknown mini-protocol ${fault.miniProtocol}`,
  "too-long": (fault) => `${fault.what} is longer than ${fault.limit} bytes`,
  "too-deep": (fault) => `${fault.what} is nested deeper than ${fault.limit} levels`,
  malformed: (fault) => `${fault.what}: expected ${fault.expected}, found ${fault.found}`,
  "invalid-utf8": (fault) => `${fault.what} is not valid UTF-8`,
  "unexpected-message": (fault) => `unexpected ${fault.what.replace(/^an? /, "")} while ${fault.state}`,
  "handshake-refused": (fault) =>
    fault.by === "us" ? `refused: ${fault.reason}` : `the peer refused: ${fault.reason}`,
};

export class ProtocolError extends CodedError<ProtocolFault> {
  override readonly name = "ProtocolError";

  constructor(fault: ProtocolFault, options?: ErrorOptions) {
    super(sentences, fault, options);
  }
}
