import type { Socket } from "node:net";
import { WrappedSocket } from "../http/wrapped-socket.js";

/** The first bytes of an HTTP/2 client (RFC 9113, 3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** The head of a frame: length (3), type, flags, stream (4). */
const headBytes = 9;
const dataFrame = 0;

/** Frames passed on at a time: each may be a call. */
const framesAtOnce = 16;
/** Shorter data frames count like frames without data. */
const worthwhileBytes = 100;
/** Short and non-data frames that a client may send without completing a call. */
const maxFrames = 1_000;
/** Further such frames it may send for each completed call, and per second. */
const framesPerCall = 10;
const framesPerSecond = 10;

export interface FrameGateOptions {
  /** The protocol that TLS has negotiated. */
  readonly alpnProtocol: string | false | null | undefined;
  /** Called after the preface: the connection can be served. */
  readonly onPreface: () => void;
  /** Called when the connection is about to be closed. */
  readonly onFault: (fault: "not-http2" | "too-many-frames") => void;
}

/**
 * A client's connection that passes on a few frames at a time, in slices of the event loop: thousands of frames in one chunk cost a
 * client nothing. A client that sends many frames that no call needs (cancelled calls, pings, settings, empty data) is disconnected.
 */
export class FrameGate extends WrappedSocket {
  readonly alpnProtocol: FrameGateOptions["alpnProtocol"];
  readonly #options: FrameGateOptions;
  #isOpen = false;
  /** Bytes left of the current frame, or of the preface. */
  #left = preface.length;
  #frames = maxFrames;
  #countedAt = performance.now();

  constructor(socket: Socket, options: FrameGateOptions) {
    super(socket, { inSlices: true });
    this.alpnProtocol = options.alpnProtocol;
    this.#options = options;
  }

  /** Called when a call has arrived completely. */
  called(): void {
    this.#frames = Math.min(maxFrames, this.#frames + framesPerCall);
  }

  protected override pass(): void {
    if (!this.#isOpen && this.waiting !== undefined) this.#open(this.waiting);
    if (this.destroyed) return;
    if (this.#isOpen && this.waiting !== undefined && !this.isWanted) {
      this.socket.pause();
      return;
    }
    const end = this.#isOpen && this.waiting !== undefined ? this.#endIn(this.waiting) : 0;
    if (this.#frames < 0) {
      this.#fail("too-many-frames");
    } else if (end > 0) {
      const piece = this.waiting!.subarray(0, end);
      this.keep(end < this.waiting!.length ? this.waiting!.subarray(end) : undefined);
      this.isWanted = false;
      this.push(piece);
      this.next();
    } else if (!this.hasEnded) {
      this.readSocket();
    } else if (this.#isOpen) {
      this.push(null);
    } else {
      this.destroy();
    }
  }

  /** Checks for the preface; before it there is nothing to serve. */
  #open(bytes: Buffer): void {
    const length = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, length, 0, length) !== 0) {
      this.#fail("not-http2");
    } else if (length === preface.length) {
      this.#isOpen = true;
      this.#options.onPreface();
    }
  }

  /** How much of `bytes` to pass on now; counts frames that no call needs. */
  #endIn(bytes: Buffer): number {
    this.#refill();
    let at = 0;
    for (let frames = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        if (bytes.length - at < headBytes || frames === framesAtOnce) break;
        const length = bytes.readUIntBE(at, 3);
        if (bytes[at + 3] !== dataFrame || length < worthwhileBytes) this.#frames -= 1;
        this.#left = headBytes + length;
        frames += 1;
      }
      const end = Math.min(bytes.length, at + this.#left);
      this.#left -= end - at;
      at = end;
    }
    return at;
  }

  #refill(): void {
    const now = performance.now();
    this.#frames = Math.min(maxFrames, this.#frames + ((now - this.#countedAt) / 1_000) * framesPerSecond);
    this.#countedAt = now;
  }

  #fail(fault: "not-http2" | "too-many-frames"): void {
    this.#options.onFault(fault);
    this.destroy();
  }
}
