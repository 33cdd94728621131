import type { Duplex } from "node:stream";
import type { MiniProtocol } from "../protocol/mini-protocols.js";
import { encodeSegments, type Side } from "../protocol/mux.js";

/** Requests are few and short, so a peer that leaves this many bytes unread reads nothing at all. */
const maxUnreadBytes = 256 * 1024;

/** Sends whole messages of any mini-protocol over one connection. */
export class MiniProtocolWriter {
  readonly #stream: Duplex;
  readonly #side: Side;
  readonly #onUnread: (bytes: number) => void;

  /** `onUnread` is called with the number of waiting bytes when it is too large. */
  constructor(stream: Duplex, side: Side, onUnread: (bytes: number) => void) {
    this.#stream = stream;
    this.#side = side;
    this.#onUnread = onUnread;
  }

  /**
   * Sends a message, or the same one this many times, each in segments of its own and all in one write. Nothing is sent
   * once the stream no longer takes it: its end is reported elsewhere.
   */
  send(miniProtocol: MiniProtocol, message: Uint8Array, times = 1): void {
    if (!this.#stream.writable) return;
    const timeMicros = Math.trunc(performance.now() * 1_000) % 2 ** 32;
    const segments = encodeSegments(this.#side, miniProtocol, message, timeMicros);
    this.#stream.write(times === 1 ? segments : Buffer.concat(new Array(times).fill(segments)));
    if (this.#stream.writableLength > maxUnreadBytes) this.#onUnread(this.#stream.writableLength);
  }
}
