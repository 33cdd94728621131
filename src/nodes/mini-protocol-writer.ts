import type { Duplex } from "node:stream";
import type { MiniProtocol } from "../protocol/mini-protocols.js";
import { encodeSegments, type Side } from "../protocol/mux.js";

/** Requests are few and short, so a peer that has left this many bytes of them unread reads nothing at all. */
const maxUnreadBytes = 256 * 1024;

/** Sends whole messages of any mini-protocol over one connection. */
export class MiniProtocolWriter {
  readonly #stream: Duplex;
  readonly #side: Side;
  readonly #onUnread: (bytes: number) => void;

  /** `onUnread` is told of the bytes that wait where they have become too many. */
  constructor(stream: Duplex, side: Side, onUnread: (bytes: number) => void) {
    this.#stream = stream;
    this.#side = side;
    this.#onUnread = onUnread;
  }

  /** Nothing is sent once the stream no longer takes it: its end is reported elsewhere. */
  send(miniProtocol: MiniProtocol, message: Uint8Array): void {
    if (!this.#stream.writable) return;
    const timeMicros = Math.trunc(performance.now() * 1_000) % 2 ** 32;
    this.#stream.write(encodeSegments(this.#side, miniProtocol, message, timeMicros));
    if (this.#stream.writableLength > maxUnreadBytes) this.#onUnread(this.#stream.writableLength);
  }
}
