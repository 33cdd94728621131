import type { Duplex } from "node:stream";
import type { SessionHook } from "../forwarder/session-hook.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import type { Quirks } from "./quirks.js";

const never = new Promise<never>(() => {});

/** One connection of a simulated node, with the node's quirks: the `index`th, from 0. */
export class QuirkyConnection implements SessionHook {
  readonly lingerMs: number | undefined;
  readonly #stream: Duplex;
  readonly #quirks: Quirks;
  #bytesUntilCut: number;
  #bytesUntilStall: number;

  constructor(stream: Duplex, quirks: Quirks, index: number) {
    this.#stream = stream;
    this.#quirks = quirks;
    this.lingerMs = quirks.lingerMs;
    this.#bytesUntilCut = quirks.cutAfterBytes?.[index] ?? Number.POSITIVE_INFINITY;
    this.#bytesUntilStall = quirks.stallAfterBytes?.[index] ?? Number.POSITIVE_INFINITY;
    if (quirks.firstBytes !== undefined) this.sendRaw(quirks.firstBytes);
  }

  before(miniProtocol: MiniProtocol): Promise<unknown> | undefined {
    const { silentFrom, dataPointsAfter } = this.#quirks;
    const isHandshake = miniProtocol === miniProtocols.handshake;
    if (silentFrom === "start" || (silentFrom === "handshake" && !isHandshake)) return never;
    if (miniProtocol !== miniProtocols.dataPoints) return undefined;
    // A rejection counts like any other outcome.
    return dataPointsAfter?.catch(() => {});
  }

  /** Sends the part before a cut or stall at once, and the rest never, or when the node continues. */
  write(bytes: Uint8Array, onSent: () => void): void {
    if (bytes.length >= this.#bytesUntilCut) {
      this.#stream.end(bytes.subarray(0, this.#bytesUntilCut), () => this.#stream.destroy());
      return;
    }
    this.#bytesUntilCut -= bytes.length;
    const beforeStall = bytes.subarray(0, this.#bytesUntilStall);
    this.#bytesUntilStall -= beforeStall.length;
    this.#stream.write(beforeStall, onSent);
    if (this.#bytesUntilStall > 0) return;
    this.#bytesUntilStall = Number.POSITIVE_INFINITY;
    this.hold();
    if (beforeStall.length < bytes.length) this.#stream.write(bytes.subarray(beforeStall.length), onSent);
  }

  /** Sends bytes as they are, between messages. */
  sendRaw(bytes: Uint8Array): void {
    if (this.#stream.writable) this.write(bytes, () => {});
  }

  /** Holds back everything from now on; the connection stays. */
  hold(): void {
    this.#stream.cork();
  }

  /** Sends what was held back, and continues. */
  letGo(): void {
    while (this.#stream.writableCorked > 0) this.#stream.uncork();
  }

  /** Drops the connection at once, even in the middle of a message. */
  destroy(): void {
    this.#stream.destroy();
  }
}
