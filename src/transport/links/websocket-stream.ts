import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { unfinishedMessages } from "./unfinished-messages.js";

/** Quiet links are kept alive through proxies, and dead ones noticed: after two of these at the latest. */
const pingEveryMs = 20_000;
/** A message of ours is at most so long; longer writes are several. */
const mostBytesOfMessage = 256 * 1_024;
/** How frames are taken, of whoever sends them. */
export const receiving = {
  perMessageDeflate: false,
  skipUTF8Validation: true,
  /** Others than we may send longer messages than we do, and in pieces. */
  maxPayload: 1_024 * 1_024,
  maxFragments: 8,
  /** One message, or ping, of each peer in a turn of the event loop: 64 KiB hold thousands of the shortest. */
  allowSynchronousEvents: false,
} as const;
/** For how long the other side may take to say goodbye. */
const farewellMs = 1_000;
/** The codes of RFC 6455, section 7.4.1. */
const closeCodes = { normal: 1_000, wrongKind: 1_003 } as const;

const nothing = Buffer.alloc(0);

type Underlying = Duplex & { readonly bytesRead: number };

/**
 * The binary messages of a WebSocket as one stream of bytes, half-open as any other connection of ours: WebSockets know no
 * end of one direction, so an empty message says it. Whoever does not know that sees an empty message, and later the end.
 * (The stream that comes with the library ends both directions at once, and what is on its way is lost.)
 */
export class WebSocketStream extends Duplex {
  readonly #webSocket: WebSocket;
  /** What it runs over; counts the bytes that were read. */
  readonly #socket: Underlying;
  readonly #pings: NodeJS.Timeout;
  #peerEnded = false;
  #bytesAtPing = -1;
  /** Whether it was read from all the time since the last ping: only then silence says something. */
  #isRead = true;

  constructor(webSocket: WebSocket, socket: Underlying) {
    super({ allowHalfOpen: true });
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#pings = setInterval(() => this.#ping(), pingEveryMs).unref();
    this.on("error", () => {});
    // (Before the library, which may come to the end of a message in it.)
    socket.prependListener("data", ({ length }: Buffer) => unfinishedMessages.grow(this, length));
    for (const sign of ["ping", "pong"] as const) webSocket.on(sign, () => unfinishedMessages.sign(this));
    webSocket.on("message", (message: Buffer, isBinary) => this.#take(message, isBinary));
    webSocket.on("error", (error) => this.destroy(error));
    webSocket.once("close", () => this.#closed());
  }

  /** @internal */
  giveWay(): void {
    unfinishedMessages.end(this);
    this.destroy(new Error("its message is not over, and those of all take too much memory"));
  }

  override _read(): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    for (let from = 0; from < chunk.length; from += mostBytesOfMessage) {
      const piece = chunk.subarray(from, from + mostBytesOfMessage);
      this.#send(piece, from + mostBytesOfMessage >= chunk.length ? done : undefined);
    }
    if (chunk.length === 0) done();
  }

  override _final(done: () => void): void {
    this.#send(nothing, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#pings);
    const { readyState, CLOSED } = this.#webSocket;
    if (readyState === CLOSED) {
      done(error);
      return;
    }
    this.#webSocket.once("close", () => done(error));
    if (error === null && this.#peerEnded && this.writableFinished) this.#sayGoodbye(closeCodes.normal);
    else this.#webSocket.terminate();
  }

  #take(message: Buffer, isBinary: boolean): void {
    unfinishedMessages.end(this);
    if (this.#peerEnded) return;
    if (!isBinary) {
      this.#peerEnded = true;
      const reason = "only binary messages carry the protocol";
      this.#webSocket.once("close", () => this.destroy(new Error(`the peer sent a text message; ${reason}`)));
      this.#sayGoodbye(closeCodes.wrongKind, reason);
    } else if (message.length === 0) {
      this.#peerEnded = true;
      this.push(null);
    } else if (!this.push(message)) {
      this.#webSocket.pause();
      this.#isRead = false;
    }
  }

  /** A failed write only ends our side: the end of the connection comes from reading, as everywhere. */
  #send(message: Buffer, done?: () => void): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) {
      done?.();
      return;
    }
    this.#webSocket.send(message, { binary: true }, done === undefined ? undefined : () => done());
  }

  #sayGoodbye(code: number, reason = ""): void {
    const webSocket = this.#webSocket;
    webSocket.close(code, reason);
    const late = setTimeout(() => webSocket.terminate(), farewellMs);
    webSocket.once("close", () => clearTimeout(late));
  }

  /** What was read before is still there to be taken. */
  #closed(): void {
    clearInterval(this.#pings);
    unfinishedMessages.end(this);
    if (!this.#peerEnded) this.push(null);
    this.#peerEnded = true;
    this.end();
  }

  #ping(): void {
    const { bytesRead } = this.#socket;
    const isSilent = this.#isRead && bytesRead === this.#bytesAtPing;
    if (isSilent) {
      this.destroy(new Error(`no sign of life for ${pingEveryMs / 1_000} s, not even an answer to a ping`));
      return;
    }
    this.#bytesAtPing = bytesRead;
    this.#isRead = !this.#webSocket.isPaused;
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.ping();
  }
}
