import { ProtocolError } from "./faults.js";
import { isMiniProtocol, type MiniProtocol } from "./mini-protocols.js";

/** Bytes in a segment header: time (4), direction and mini-protocol (2), payload length (2), all big endian. */
const segmentHeaderBytes = 8;

/** Most that Haskell peers send in one segment; a receiver accepts up to 65,535. */
const usualPayloadBytes = 12_288;

/** Set in segments of the side that listened. */
const listenerBit = 0x8000;

/** One end of a connection: the direction bit of a segment says which end sent it. */
export type Side = "opener" | "listener";

/** Splits the bytes that one side sends into the payloads of its mini-protocols, as they arrive. */
export class Demux {
  readonly #directionBit: number;
  readonly #header = new Uint8Array(segmentHeaderBytes);
  #headerBytes = 0;
  #miniProtocol: MiniProtocol = 0;
  #payloadBytesLeft = 0;

  /** `sender` is the side whose bytes these are. */
  constructor(sender: Side) {
    this.#directionBit = sender === "listener" ? listenerBit : 0;
  }

  /**
   * Calls `deliver` with each piece of payload in `chunk`, in order; pieces are views into it.
   * @throws ProtocolError for a segment of the wrong direction, of an unknown mini-protocol or without payload
   */
  push(chunk: Uint8Array, deliver: (miniProtocol: MiniProtocol, payload: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadBytesLeft === 0) {
        at = this.#takeHeader(chunk, at);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#payloadBytesLeft);
      this.#payloadBytesLeft -= end - at;
      deliver(this.#miniProtocol, chunk.subarray(at, end));
      at = end;
    }
  }

  /** Whether a segment has begun and not ended. */
  get midSegment(): boolean {
    return this.#headerBytes > 0 || this.#payloadBytesLeft > 0;
  }

  /** Returns the position after the header, or after the part of it that has arrived. */
  #takeHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && this.#headerBytes < segmentHeaderBytes) {
      this.#header[this.#headerBytes] = chunk[at]!;
      this.#headerBytes += 1;
      at += 1;
    }
    if (this.#headerBytes === segmentHeaderBytes) {
      this.#headerBytes = 0;
      this.#beginSegment();
    }
    return at;
  }

  #beginSegment(): void {
    const sender = uint16(this.#header, 4);
    const miniProtocol = sender & ~listenerBit;
    if ((sender & listenerBit) !== this.#directionBit) {
      throw new ProtocolError({ code: "segment-wrong-direction", miniProtocol });
    }
    if (!isMiniProtocol(miniProtocol))
      throw new ProtocolError({ code: "mini-protocol-unknown", miniProtocol });
    this.#payloadBytesLeft = uint16(this.#header, 6);
    if (this.#payloadBytesLeft === 0) throw new ProtocolError({ code: "segment-empty", miniProtocol });
    this.#miniProtocol = miniProtocol;
  }
}

/** All segments of one message, in one buffer; `timeMicros` is the low 32 bits of a monotonic clock. */
export function encodeSegments(
  sender: Side,
  miniProtocol: MiniProtocol,
  message: Uint8Array,
  timeMicros: number,
  maxPayloadBytes = usualPayloadBytes,
): Uint8Array {
  const segments = Math.ceil(message.length / maxPayloadBytes);
  const bytes = Buffer.allocUnsafe(message.length + segments * segmentHeaderBytes);
  let at = 0;
  for (let from = 0; from < message.length; from += maxPayloadBytes) {
    const payload = message.subarray(from, from + maxPayloadBytes);
    at = bytes.writeUInt32BE(timeMicros >>> 0, at);
    at = bytes.writeUInt16BE((sender === "listener" ? listenerBit : 0) | miniProtocol, at);
    at = bytes.writeUInt16BE(payload.length, at);
    bytes.set(payload, at);
    at += payload.length;
  }
  return bytes;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
