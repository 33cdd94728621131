import type { Socket } from "node:net";
import { WrappedSocket } from "../http/wrapped-socket.js";

/** What a client of HTTP/2 begins with (RFC 9113, 3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Of a frame: length (3), type, flags, stream (4). */
const headBytes = 9;
const dataFrame = 0;

/** Frames that are passed on at a time: each may be a call. */
const framesAtOnce = 16;
/** Shorter frames of data are hardly worth more than their heads. */
const worthwhileBytes = 100;
/** Frames of other kinds, and short ones, that a client may send without a call that comes as a whole. */
const maxFrames = 1_000;
/** What it may send more for each call that does, and in each second. */
const framesPerCall = 10;
const framesPerSecond = 10;

export interface FrameGateOptions {
  /** The protocol that TLS has agreed on. */
  readonly alpnProtocol: string | false | null | undefined;
  /** It began as HTTP/2 does, and is to be served. */
  readonly onPreface: () => void;
  /** The connection is about to be closed. */
  readonly onFault: (fault: "not-http2" | "too-many-frames") => void;
}

/**
 * A client's connection that gives HTTP/2 a few frames at a time, in slices of the event loop: thousands of frames in one piece cost
 * their client nothing. Who sends many that no call needs (calls that are given up, pings, settings, empty data) is disconnected.
 */
export class FrameGate extends WrappedSocket {
  readonly alpnProtocol: FrameGateOptions["alpnProtocol"];
  readonly #options: FrameGateOptions;
  #isOpen = false;
  /** Bytes of the frame that is being passed on, or of the preface. */
  #left = preface.length;
  #frames = maxFrames;
  #countedAt = performance.now();

  constructor(socket: Socket, options: FrameGateOptions) {
    super(socket, { inSlices: true });
    this.alpnProtocol = options.alpnProtocol;
    this.#options = options;
  }

  /** A call has come as a whole. */
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
      this.socket.resume();
    } else if (this.#isOpen) {
      this.push(null);
    } else {
      this.destroy();
    }
  }

  /** Looks for what HTTP/2 begins with; before that there is nothing to serve. */
  #open(bytes: Buffer): void {
    const length = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, length, 0, length) !== 0) {
      this.#fail("not-http2");
    } else if (length === preface.length) {
      this.#isOpen = true;
      this.#options.onPreface();
    }
  }

  /** How much of `bytes` is passed on at a time; frames that nobody needs are counted. */
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
