import { ProtocolError } from "../protocol/faults.js";
import { answerProposal, encodeProposal, maxHandshakeBytes, readAnswer } from "../protocol/handshake.js";
import { MessageAssembler } from "../protocol/message-assembler.js";
import type { Connection } from "../transport/connection.js";
import type { MiniProtocolSide } from "./mini-protocol-side.js";

/** Mini-protocol 0 of one connection: the side that opened it proposes, the other side answers, once. */
export class Handshake implements MiniProtocolSide {
  readonly #magic: number;
  readonly #weOpened: boolean;
  readonly #send: (message: Uint8Array) => void;
  readonly #messages = new MessageAssembler({ what: "a handshake message", maxBytes: maxHandshakeBytes });
  #done = false;

  constructor(options: { magic: number; opener: Connection["opener"]; send: (message: Uint8Array) => void }) {
    this.#magic = options.magic;
    this.#weOpened = options.opener === "us";
    this.#send = options.send;
  }

  get done(): boolean {
    return this.#done;
  }

  start(): void {
    if (this.#weOpened) this.#send(encodeProposal(this.#magic));
  }

  /**
   * Takes bytes of the mini-protocol; if the peer proposed, answers.
   * @throws ProtocolError with code `handshake-refused` if either side refused, `unexpected-message` if more arrives
   */
  receive(bytes: Uint8Array): void {
    this.#refuseMore();
    for (const message of this.#messages.push(bytes)) {
      this.#refuseMore();
      if (this.#weOpened) readAnswer(message, this.#magic);
      else this.#answer(message);
      this.#done = true;
    }
  }

  end(): void {}

  #refuseMore(): void {
    if (!this.#done) return;
    throw new ProtocolError({ code: "unexpected-message", what: "handshake message", state: "connected" });
  }

  #answer(proposal: Uint8Array): void {
    const { answer, refused } = answerProposal(proposal, this.#magic);
    this.#send(answer);
    if (refused !== undefined)
      throw new ProtocolError({ code: "handshake-refused", by: "us", reason: refused });
  }
}
