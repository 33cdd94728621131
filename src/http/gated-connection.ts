import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { RequestTurns } from "./request-turns.js";

/** How long a client has to take a last answer and close, in milliseconds. */
const refusalReadMs = 900;

/** What all connections of an endpoint have sent ahead, in bytes. */
export class BytesAhead {
  readonly maxBytes: number;
  /** Whose next request begins when. */
  readonly turns = new RequestTurns();
  bytes = 0;

  constructor(options: { maxBytes: number }) {
    this.maxBytes = options.maxBytes;
  }
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * A client's connection that gives HTTP one request head at a time: what a client sends ahead (pipelining) waits here,
 * and then in the kernel, until the request before it is answered. So a connection costs one answer, whatever comes.
 * If all clients together send too much ahead, theirs is thrown away, and they are closed after their answer.
 */
export class GatedConnection extends Duplex {
  readonly #socket: Socket;
  readonly #ahead: BytesAhead;
  #waiting: Buffer | undefined;
  #isOverdrawn = false;
  /** Whether the next request may begin, once it is not in turn. */
  #turn: "none" | "awaited" | "come" = "none";
  #gate: "open" | "shut" | "removed" = "open";
  /** Bytes of a body that may pass the gate. */
  #bodyLeft = 0;
  #isWanted = false;
  #hasEnded = false;
  /** Where in a head the last byte that went through is: before it, in a line, or at the begin of one. */
  #at: "before" | "line" | "line-begin" = "before";

  constructor(socket: Socket, ahead: BytesAhead) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#ahead = ahead;
    socket.on("data", (chunk) => {
      this.#await(this.#waiting === undefined ? chunk : Buffer.concat([this.#waiting, chunk]));
      this.#give();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#give();
    });
    socket.on("timeout", () => this.emit("timeout"));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  /** HTTP asks for this to end connections that are idle. */
  setTimeout(milliseconds: number): this {
    this.#socket.setTimeout(milliseconds);
    return this;
  }

  /** The request is answered: the next one may come. */
  nextRequest(): void {
    if (this.#isOverdrawn) {
      this.destroySoon();
      return;
    }
    if (this.#gate === "shut") this.#gate = "open";
    this.#bodyLeft = 0;
    this.#give();
  }

  /** The head that came last has a body of this many bytes, which is wanted, too. */
  letThrough(bytes: number): void {
    this.#bodyLeft = bytes;
    this.#give();
  }

  /** The connection leaves HTTP: from now on everything goes through as it comes. */
  removeGate(): void {
    this.#gate = "removed";
    this.#give();
  }

  /** Ends the connection after what has been written, whether the client reads and closes or not. */
  destroySoon(): void {
    this.#gate = "shut";
    this.#await(undefined);
    this.end();
    setTimeout(() => this.destroy(), refusalReadMs).unref();
    this.#socket.removeAllListeners("data").on("data", () => {});
    this.#socket.once("end", () => this.destroy()).resume();
    if (this.#hasEnded) this.once("finish", () => this.destroy());
  }

  override _read(): void {
    this.#isWanted = true;
    this.#give();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _writev(
    pieces: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    for (const { chunk, encoding } of pieces.slice(0, -1)) this.#socket.write(chunk, encoding);
    const { chunk, encoding } = pieces.at(-1)!;
    this.#socket.write(chunk, encoding, done);
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#await(undefined);
    this.#socket.destroy();
    done(error);
  }

  #give(): void {
    if (this.#waiting === undefined) {
      if (!this.#hasEnded) this.#socket.resume();
      // The end counts once everything before it is answered: a client may have closed its side only.
      else if (this.#gate !== "shut" || this.#bodyLeft > 0) this.push(null);
      return;
    }
    const isShut = this.#gate === "shut" && this.#bodyLeft === 0;
    if (isShut || !this.#isWanted) {
      this.#socket.pause();
      if (isShut && this.#ahead.bytes > this.#ahead.maxBytes) {
        this.#isOverdrawn = true;
        this.#await(undefined);
      }
      return;
    }
    if (this.#begins && !this.#mayBegin()) {
      this.#socket.pause();
      return;
    }
    const end = this.#nextEnd(this.#waiting);
    const piece = this.#waiting.subarray(0, end);
    this.#await(end < this.#waiting.length ? this.#waiting.subarray(end) : undefined);
    this.#isWanted = false;
    // What HTTP makes of it may come back here at once.
    this.push(piece);
    this.#give();
  }

  /** Whether what comes next is the begin of a request. */
  get #begins(): boolean {
    return this.#gate === "open" && this.#bodyLeft === 0 && this.#at === "before";
  }

  #mayBegin(): boolean {
    if (this.#turn === "come") {
      this.#turn = "none";
      return true;
    }
    if (this.#turn === "awaited") return false;
    const isInTurn = this.#ahead.turns.mayBegin(() => {
      this.#turn = "come";
      if (!this.destroyed) this.#give();
    });
    if (!isInTurn) this.#turn = "awaited";
    return isInTurn;
  }

  #await(waiting: Buffer | undefined): void {
    this.#ahead.bytes += (waiting?.length ?? 0) - (this.#waiting?.length ?? 0);
    this.#waiting = waiting;
  }

  /** How much of `bytes` may pass. */
  #nextEnd(bytes: Buffer): number {
    if (this.#gate === "removed") return bytes.length;
    if (this.#bodyLeft === 0) return this.#headEnd(bytes);
    const end = Math.min(bytes.length, this.#bodyLeft);
    this.#bodyLeft -= end;
    return end;
  }

  /** Where in `bytes` a request head ends, which shuts the gate, or else their length. */
  #headEnd(bytes: Buffer): number {
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i];
      if (byte === lineFeed) {
        if (this.#at === "line-begin") {
          this.#at = "before";
          this.#gate = "shut";
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
