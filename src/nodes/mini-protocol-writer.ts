import type { Duplex } from "node:stream";
import type { MiniProtocol } from "../protocol/mini-protocols.js";
import { encodeSegments, type Side } from "../protocol/mux.js";

/** Sends whole messages of any mini-protocol over one connection. */
export class MiniProtocolWriter {
  readonly #stream: Duplex;
  readonly #side: Side;

  constructor(stream: Duplex, side: Side) {
    this.#stream = stream;
    this.#side = side;
  }

  /** Nothing is sent once the stream no longer takes it: its end is reported elsewhere. */
  send(miniProtocol: MiniProtocol, message: Uint8Array): void {
    if (!this.#stream.writable) return;
    const timeMicros = Math.trunc(performance.now() * 1_000) % 2 ** 32;
    this.#stream.write(encodeSegments(this.#side, miniProtocol, message, timeMicros));
  }
}
