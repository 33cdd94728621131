import type { Socket } from "node:net";
import { ChunkedBody } from "./chunked-body.js";
import { RequestTurns } from "./request-turns.js";
import { WrappedSocket } from "./wrapped-socket.js";

/** How long a client has to read its last answer and close, in milliseconds. */
const refusalReadMs = 900;

/** Pipelined bytes of all connections of an endpoint. */
export class BytesAhead {
  readonly maxBytes: number;
  /** Decides when the next request of each connection begins. */
  readonly turns = new RequestTurns();
  bytes = 0;

  constructor(options: { maxBytes: number }) {
    this.maxBytes = options.maxBytes;
  }
}

/** What is passed on at once of an upgraded connection: some hundred frames of a WebSocket, a few milliseconds of work. */
const upgradedPieceBytes = 4_096;

/** What clients of HTTP/2 begin with: HTTP refuses it only after these six bytes that follow an empty line. */
const otherHttp = Buffer.from("PRI * HTTP/2.0\r\n\r\n");
const afterOtherHttp = 6;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * A client's connection that gives HTTP one request head at a time: pipelined requests wait here, and then in the kernel,
 * until the request before them is answered. So a connection costs one answer, whatever arrives. If all clients together
 * pipeline too much, those bytes are dropped, and the connections are closed after their answer.
 */
export class GatedConnection extends WrappedSocket {
  readonly #ahead: BytesAhead;
  #isOverdrawn = false;
  /** Whether the next request has to wait for its turn, or its turn has come. */
  #turn: "none" | "awaited" | "come" = "none";
  #gate: "open" | "shut" | "removed" = "open";
  /** What may pass the gate: this many bytes of a body, or a chunked body up to its end. */
  #body: number | ChunkedBody = 0;
  /** The position in a head after the last byte passed on: before the head, in a line, or at the beginning of a line. */
  #at: "before" | "line" | "line-begin" = "before";

  constructor(socket: Socket, ahead: BytesAhead, { inSlices = false } = {}) {
    super(socket, { inSlices });
    this.#ahead = ahead;
  }

  /** Called when the request is answered: the next one may pass. */
  nextRequest(): void {
    if (this.#isOverdrawn) {
      this.destroySoon();
      return;
    }
    if (this.#gate === "shut") this.#gate = "open";
    this.#body = 0;
    this.next();
  }

  /** Also passes the body of the last head: this many bytes, or a chunked one. */
  letThrough(body: number | "chunked"): void {
    this.#body = body === "chunked" ? new ChunkedBody() : body;
    this.next();
  }

  /** The connection was upgraded: from now on everything passes, in small pieces, because pages hardly send anything. */
  removeGate(): void {
    this.#gate = "removed";
    this.inSlices = true;
    this.next();
  }

  /** Ends the connection after what has been written, whether the client reads and closes or not. */
  destroySoon(): void {
    this.#gate = "shut";
    this.#body = 0;
    this.end();
    setTimeout(() => this.destroy(), refusalReadMs).unref();
    this.discard();
    this.socket.once("end", () => this.destroy());
    if (this.hasEnded) this.once("finish", () => this.destroy());
  }

  get #isShut(): boolean {
    return this.#gate === "shut" && !this.#hasBodyLeft;
  }

  get #hasBodyLeft(): boolean {
    return typeof this.#body === "number" ? this.#body > 0 : !this.#body.isOver;
  }

  protected override pass(): void {
    if (this.waiting === undefined) {
      if (!this.hasEnded) this.readSocket();
      // The end is passed on only after everything before it is answered: the client may have closed only its own side.
      else if (!this.#isShut) this.push(null);
      return;
    }
    if (this.#isShut || !this.isWanted) {
      this.socket.pause();
      if (this.#isShut && this.#ahead.bytes > this.#ahead.maxBytes) {
        this.#isOverdrawn = true;
        this.keep(undefined);
      }
      return;
    }
    if (this.#begins && !this.#mayBegin()) {
      this.socket.pause();
      return;
    }
    const end = this.#nextEnd(this.waiting);
    const piece = this.waiting.subarray(0, end);
    this.keep(end < this.waiting.length ? this.waiting.subarray(end) : undefined);
    this.isWanted = false;
    // HTTP's reaction to it may call this object at once.
    this.push(piece);
    this.next();
  }

  /** Whether a request begins next. */
  get #begins(): boolean {
    return this.#gate === "open" && !this.#hasBodyLeft && this.#at === "before";
  }

  #mayBegin(): boolean {
    if (this.#turn === "come") {
      this.#turn = "none";
      return true;
    }
    if (this.#turn === "awaited") return false;
    const isInTurn = this.#ahead.turns.mayBegin(() => {
      this.#turn = "come";
      if (!this.destroyed) this.next();
    });
    if (!isInTurn) this.#turn = "awaited";
    return isInTurn;
  }

  protected override keep(waiting: Buffer | undefined): void {
    this.#ahead.bytes += (waiting?.length ?? 0) - (this.waiting?.length ?? 0);
    super.keep(waiting);
  }

  /** How much of `bytes` may pass. */
  #nextEnd(bytes: Buffer): number {
    if (this.#gate === "removed") return Math.min(bytes.length, upgradedPieceBytes);
    if (!this.#hasBodyLeft) return this.#headEnd(bytes);
    if (typeof this.#body !== "number") return this.#body.endIn(bytes);
    const end = Math.min(bytes.length, this.#body);
    this.#body -= end;
    return end;
  }

  /** Where in `bytes` a request head ends, after which nothing more may pass; if none ends, their length. */
  #headEnd(bytes: Buffer): number {
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i];
      if (byte === lineFeed) {
        if (this.#at === "line-begin") {
          this.#at = "before";
          this.#gate = "shut";
          if (otherHttp.equals(bytes.subarray(0, i + 1))) this.#body = afterOtherHttp;
          return i + 1;
        }
        // Empty lines before a request are skipped (RFC 9112, 2.2).
        if (this.#at === "line") this.#at = "line-begin";
      } else if (byte !== carriageReturn) {
        this.#at = "line";
      }
    }
    return bytes.length;
  }
}
