import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { shareReads } from "../transport/links/shared-reads.js";
import { loopSlices } from "./loop-slices.js";
import { type RecordReader, recordTurns } from "./record-turns.js";

/**
 * Clients' bytes are read in pieces of this length, into the same memory: of each of thousands of clients whose turn has not
 * come one piece waits, and none of them sends much of use in one.
 */
const pieceBytes = 16_384;
let memory: Buffer | undefined;
const readMemory = () => {
  memory ??= Buffer.allocUnsafeSlow(pieceBytes);
  return memory;
};

/** Wraps a client's socket in a stream that decides what a server reads of it, and when. */
export abstract class WrappedSocket extends Duplex implements RecordReader {
  protected readonly socket: Socket;
  /** Bytes that have arrived and not been passed on. */
  protected waiting: Buffer | undefined;
  /** Whether the reader wants another piece. */
  protected isWanted = false;
  /** The client has closed its side. */
  hasEnded = false;
  /** Whether pieces are passed on in slices of the event loop, so that many clients at once do not hold it up. */
  protected inSlices: boolean;
  #isScheduled = false;
  /** Others have their turn to be read. */
  #isHeld = false;
  #isDiscarding = false;

  constructor(socket: Socket, { inSlices }: { readonly inSlices: boolean }) {
    super({ allowHalfOpen: true });
    this.socket = socket;
    this.inSlices = inSlices;
    // A reset may come before the server listens for errors, or after it has stopped to; it would end the process.
    this.on("error", () => {});
    shareReads(socket, readMemory);
    const comesInRecords = socket instanceof TLSSocket;
    if (comesInRecords) recordTurns.join(this);
    socket.on("data", (chunk) => {
      if (comesInRecords) recordTurns.took();
      if (this.#isDiscarding) return;
      this.keep(Buffer.concat(this.waiting === undefined ? [chunk] : [this.waiting, chunk]));
      this.next();
    });
    socket.on("end", () => {
      this.hasEnded = true;
      this.emit("peer-end");
      this.next();
    });
    socket.on("timeout", () => this.emit("timeout"));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  get localAddress(): string | undefined {
    return this.socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.socket.localPort;
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  /** HTTP calls this to end idle connections. */
  setTimeout(milliseconds: number): this {
    this.socket.setTimeout(milliseconds);
    return this;
  }

  holdReading(): void {
    this.#isHeld = true;
    this.socket.pause();
  }

  readOn(): void {
    this.#isHeld = false;
    if (this.#isDiscarding) this.socket.resume();
    else this.next();
  }

  /** Reads what comes next, in turn. */
  protected readSocket(): void {
    if (!this.#isHeld) this.socket.resume();
  }

  /** From now on drops whatever arrives. */
  protected discard(): void {
    this.#isDiscarding = true;
    this.keep(undefined);
    this.readSocket();
  }

  /** Passes on one piece of `waiting`, if allowed, and asks for the `next`. */
  protected abstract pass(): void;

  protected keep(waiting: Buffer | undefined): void {
    this.waiting = waiting;
  }

  protected next(): void {
    if (!this.inSlices) {
      this.pass();
      return;
    }
    if (this.#isScheduled) {
      if (this.waiting !== undefined) this.socket.pause();
      return;
    }
    this.#isScheduled = true;
    loopSlices.run(() => {
      this.#isScheduled = false;
      if (!this.destroyed) this.pass();
    });
  }

  override _read(): void {
    this.isWanted = true;
    this.next();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, encoding, done);
  }

  override _writev(
    pieces: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.socket.cork();
    for (const { chunk, encoding } of pieces.slice(0, -1)) this.socket.write(chunk, encoding);
    const { chunk, encoding } = pieces.at(-1)!;
    this.socket.write(chunk, encoding, done);
    this.socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.keep(undefined);
    recordTurns.leave(this);
    this.socket.destroy();
    done(error);
  }
}
