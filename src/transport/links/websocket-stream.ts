import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import { type FrameReader, frameTurns } from "./frame-turns.js";
import type { LinkStream } from "./link.js";
import { shareReads } from "./shared-reads.js";
import { closeCodes, type FrameError, headOfMessage, WebSocketFrames } from "./websocket-frames.js";

/** Interval of pings, in milliseconds: they keep quiet links open in proxies, and show dead ones after two intervals at the latest. */
const pingEveryMs = 20_000;
/** Why nothing is read: earlier bytes are not consumed yet, or others have their turn. */
interface Waits {
  readonly forRoom: boolean;
  readonly forTurn: boolean;
}

/** Longest message that we send, in bytes; longer writes become several. */
const mostBytesOfMessage = 256 * 1_024;
/** Shorter messages are copied behind their header, which costs less than two writes. */
const shortMessage = 2_048;
/** Our unread bytes beyond which pings are not answered. */
const mostUnreadOfPongs = 16 * 1_024;
/** How long the other side may take to close, in milliseconds. */
const closeGraceMs = 1_000;

const nothing = Buffer.alloc(0);

/**
 * The binary messages of a WebSocket as one stream of bytes, half-open as any other connection of ours: WebSockets have no
 * end of one direction, so an empty message marks it. A peer that does not know this sees an empty message, and later
 * the end. (The library's own stream ends both directions at once and loses what is in transit.) The
 * library opens, pings and closes; received frames are decoded here, from memory that all sockets share: it
 * would hold each message until it is whole, in new memory, whose garbage collection took more time than everything
 * else together. Our messages do not need what it does for each of them, either.
 */
export class WebSocketStream extends Duplex implements FrameReader {
  readonly #webSocket: WebSocket;
  /** The connection below. */
  readonly #socket: Socket;
  readonly #lends: boolean;
  /** Our side, unless our messages must be masked: the library does that. */
  readonly #sender: "client" | "server" | undefined;
  readonly #pings: NodeJS.Timeout;
  #peerEnded = false;
  #bytesAtPing = -1;
  /** Whether it was read continuously since the last ping: only then does silence mean something. */
  #isRead = true;
  #waits: Waits = { forRoom: false, forTurn: false };

  /** Owns `socket` once the WebSocket is open. */
  constructor(
    webSocket: WebSocket,
    socket: Socket,
    { peer, chunks = "given" }: { peer: "client" | "server"; chunks?: LinkStream["chunks"] | undefined },
  ) {
    super({ allowHalfOpen: true });
    this.#lends = chunks === "lent";
    this.#sender = peer === "client" ? "server" : socket instanceof TLSSocket ? "client" : undefined;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#pings = setInterval(() => this.#ping(), pingEveryMs).unref();
    this.on("error", () => {});
    const read = () => this.#readFrames(peer);
    if (webSocket.readyState === webSocket.OPEN) read();
    else webSocket.once("open", read);
    webSocket.on("error", (error) => this.destroy(error));
    webSocket.once("close", () => this.#closed());
  }

  override _read(): void {
    this.#resume({ forRoom: false });
  }

  /** At once: what would be read after this would have to be kept, of each of thousands of connections. */
  override pause(): this {
    this.#pause({ forRoom: true });
    return super.pause();
  }

  override resume(): this {
    this.#resume({ forRoom: false });
    return super.resume();
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
    frameTurns.leave(this);
    const { readyState, CLOSED } = this.#webSocket;
    if (readyState === CLOSED) {
      done(error);
      return;
    }
    this.#webSocket.once("close", () => done(error));
    if (error === null && this.#peerEnded && this.writableFinished) this.#sendClose(closeCodes.normal);
    else this.#webSocket.terminate();
  }

  /** Receives in place of the library, which listens already but has received nothing yet. */
  #readFrames(sender: "client" | "server"): void {
    const socket = this.#socket;
    let ping: Buffer | undefined;
    const frames = new WebSocketFrames(sender, {
      data: (piece) => this.#take(piece),
      empty: () => this.#endOfPeer(),
      // If several pings arrive together, only the last is answered (RFC 6455, 5.5.3).
      ping: (payload) => {
        ping = Buffer.from(payload);
      },
      close: () => {
        this.#webSocket.close();
        socket.end();
      },
    });
    const read = (chunk: Buffer) => {
      try {
        frameTurns.took(this, frames.push(chunk));
        if (ping !== undefined) this.#pong(ping);
        ping = undefined;
      } catch (error) {
        socket.off("data", read);
        socket.resume();
        this.#refuse(error as FrameError);
      }
    };
    socket.removeAllListeners("data");
    shareReads(socket);
    frameTurns.join(this);
    socket.on("data", read);
  }

  #take(piece: Buffer): void {
    if (this.#peerEnded) return;
    // Includes bytes read together with those at which the reader paused: as with any other socket they arrive at once.
    const isTaken = this.readableFlowing !== null && this.listenerCount("data") > 0;
    if (this.#lends && isTaken && this.readableLength === 0) {
      this.emit("data", piece);
    } else if (!this.push(Buffer.from(piece))) {
      this.#pause({ forRoom: true });
    }
  }

  #pause(cause: Partial<Waits>): void {
    this.#waits = { ...this.#waits, ...cause };
    this.#socket.pause();
    this.#isRead = false;
  }

  #resume(cause: Partial<Waits>): void {
    this.#waits = { ...this.#waits, ...cause };
    if (!this.#waits.forRoom && !this.#waits.forTurn && this.#socket.isPaused()) this.#socket.resume();
  }

  /** @internal */
  pauseReading(): void {
    this.#pause({ forTurn: true });
  }

  /** @internal */
  resumeReading(): void {
    this.#resume({ forTurn: false });
  }

  /** Answers a ping only while earlier answers are read: a peer may send endless pings and read nothing. */
  #pong(payload: Buffer): void {
    if (this.#isOpen && this.#webSocket.bufferedAmount < mostUnreadOfPongs) this.#webSocket.pong(payload);
  }

  #endOfPeer(): void {
    if (this.#peerEnded) return;
    this.#peerEnded = true;
    this.push(null);
  }

  #refuse({ code, message }: FrameError): void {
    this.#peerEnded = true;
    this.#webSocket.once("close", () => this.destroy(new Error(`the peer sent ${message}`)));
    this.#sendClose(code, message);
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** A failed write ends only our side; as everywhere, the end of the connection comes from reading. */
  #send(message: Buffer, done?: () => void): void {
    if (!this.#isOpen) {
      done?.();
      return;
    }
    const sent = () => done?.();
    if (this.#sender === undefined) {
      this.#webSocket.send(message, { binary: true }, sent);
      return;
    }
    const socket = this.#socket;
    const head = headOfMessage(message.length, this.#sender);
    if (message.length < shortMessage) {
      socket.write(Buffer.concat([head, message]), sent);
      return;
    }
    socket.cork();
    socket.write(head);
    socket.write(message, sent);
    socket.uncork();
  }

  #sendClose(code: number, reason = ""): void {
    const webSocket = this.#webSocket;
    webSocket.close(code, reason);
    const late = setTimeout(() => webSocket.terminate(), closeGraceMs);
    webSocket.once("close", () => clearTimeout(late));
  }

  /** What was read before can still be consumed. */
  #closed(): void {
    clearInterval(this.#pings);
    this.#endOfPeer();
    this.end();
  }

  #ping(): void {
    const { bytesRead } = this.#socket;
    const isSilent = this.#isRead && bytesRead === this.#bytesAtPing;
    if (isSilent) {
      this.destroy(new Error(`nothing received for ${pingEveryMs / 1_000} s, not even an answer to a ping`));
      return;
    }
    this.#bytesAtPing = bytesRead;
    this.#isRead = !this.#socket.isPaused();
    if (this.#isOpen) this.#webSocket.ping();
  }
}
