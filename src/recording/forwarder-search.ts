import { miniProtocols } from "../protocol/mini-protocols.js";
import { Demux, type Side } from "../protocol/mux.js";

/** The role of one side of a connection: the node is the one that answers. */
export type Role = "forwarder" | "acceptor";

/** Finds out from the bytes of one side which role it has: its first message after the handshake shows it. */
export class ForwarderSearch {
  readonly #demux: Demux;
  readonly #firstBytes = new Map<number, number[]>();

  constructor(sender: Side) {
    this.#demux = new Demux(sender);
  }

  /**
   * The role, as soon as it is known.
   * @throws ProtocolError for bytes that are not segments
   */
  push(bytes: Uint8Array): Role | undefined {
    let role: Role | undefined;
    this.#demux.push(bytes, (miniProtocol, payload) => {
      if (role !== undefined || miniProtocol === miniProtocols.handshake) return;
      const first = [...(this.#firstBytes.get(miniProtocol) ?? []), ...payload.subarray(0, 2)];
      this.#firstBytes.set(miniProtocol, first);
      if (first.length >= 2) role = roleOf(miniProtocol, first[0]!, first[1]!);
    });
    return role;
  }
}

/** Answers begin like this; everything else is a request or *done*. */
function roleOf(miniProtocol: number, arrayHead: number, key: number): Role {
  const answerKey = miniProtocol === miniProtocols.metrics ? 1 : 3;
  return arrayHead === 0x82 && key === answerKey ? "forwarder" : "acceptor";
}
