/** Close codes of RFC 6455, section 7.4.1. */
export const closeCodes = { normal: 1_000, protocol: 1_002, wrongKind: 1_003, tooLong: 1_009 } as const;

/** Operations of RFC 6455, section 5.2. */
const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const finalBit = 0x80;
const reservedBits = 0x70;
const opcodeBits = 0x0f;
const maskBit = 0x80;
const lengthBits = 0x7f;
/** In place of a length: it follows in two bytes, or in eight. */
const lengthIn2 = 126;
const lengthIn8 = 127;
const maskBytes = 4;
const longestHead = 2 + 8 + maskBytes;
/** Longest payload of a control frame. */
const mostControlBytes = 125;

/**
 * The head of a frame that is a whole binary message of `bytes` bytes. A client's has a mask of zeros, which makes both sides skip
 * the masking; a server's has none.
 */
export function headOfMessage(bytes: number, sender: "client" | "server"): Buffer {
  const isMasked = sender === "client";
  const lengthBytes = bytes < lengthIn2 ? 0 : bytes < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes + (isMasked ? maskBytes : 0));
  head[0] = finalBit | opcode.binary;
  head[1] =
    (isMasked ? maskBit : 0) | (lengthBytes === 0 ? bytes : lengthBytes === 2 ? lengthIn2 : lengthIn8);
  if (lengthBytes === 2) head.writeUInt16BE(bytes, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(bytes), 2);
  return head;
}

/** The other side sent something forbidden; `code` is the close code. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Shorter pieces of messages are joined in place: passing each on alone would cost more than moving it. */
const shortPiece = 1_024;

/** Receives the contents of frames. */
export interface FrameReceiver {
  /** Bytes of binary messages, valid until this returns. */
  data(bytes: Buffer): void;
  /** A binary message of no bytes. */
  empty(): void;
  /** `payload` is valid until this returns. */
  ping(payload: Buffer): void;
  close(): void;
}

/**
 * Decodes WebSocket frames as they arrive (RFC 6455, 5.2), whole or not, and passes on their contents at once: no message is
 * held until it is whole.
 *
 *     FIN RSV1-3 opcode(4) · MASK length(7) · length (0, 2 or 8 bytes) · masking key (0 or 4 bytes) · payload
 */
export class WebSocketFrames {
  /** Only clients mask, and always. */
  readonly #isMasked: boolean;
  readonly #receiver: FrameReceiver;
  readonly #head = Buffer.alloc(longestHead);
  #headBytes = 0;
  #isInPayload = false;
  #operation: number = opcode.continuation;
  #isFinal = false;
  #bytesLeft = 0;
  /** Absent: a mask of zeros, which changes nothing. */
  #mask: Buffer | undefined;
  #maskAt = 0;
  /** Bytes so far of the current binary message; undefined between messages. */
  #messageBytes: number | undefined;
  readonly #control = Buffer.alloc(mostControlBytes);
  #controlBytes = 0;
  /** Bytes of messages in the current chunk that are not passed on yet: `[from, to)`. */
  #chunk: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #frames = 0;

  constructor(sender: "client" | "server", receiver: FrameReceiver) {
    this.#isMasked = sender === "client";
    this.#receiver = receiver;
  }

  /** Unmasks and joins in `chunk` itself; returns how many frames began in it. @throws FrameError; after that it must not be called again */
  push(chunk: Buffer): number {
    const before = this.#frames;
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
    try {
      this.#takeApart(chunk);
    } finally {
      this.#handOn();
    }
    return this.#frames - before;
  }

  #takeApart(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length || (this.#isInPayload && this.#bytesLeft === 0)) {
      if (!this.#isInPayload) {
        this.#head[this.#headBytes] = chunk[at]!;
        this.#headBytes += 1;
        at += 1;
        if (this.#headBytes >= 2 && this.#headBytes === this.#headLength()) this.#beginPayload();
        continue;
      }
      const end = Math.min(chunk.length, at + this.#bytesLeft);
      this.#bytesLeft -= end - at;
      if (this.#mask !== undefined) this.#unmask(at, end, this.#mask);
      this.#takePayload(at, end);
      at = end;
      if (this.#bytesLeft === 0) this.#endFrame();
    }
  }

  #headLength(): number {
    const length = this.#head[1]! & lengthBits;
    return 2 + (length === lengthIn8 ? 8 : length === lengthIn2 ? 2 : 0) + (this.#isMasked ? maskBytes : 0);
  }

  #beginPayload(): void {
    this.#frames += 1;
    const head = this.#head;
    const [first, second] = [head[0]!, head[1]!];
    this.#operation = first & opcodeBits;
    this.#isFinal = (first & finalBit) !== 0;
    if ((first & reservedBits) !== 0) throw protocolError("a frame of an extension that was not agreed on");
    if (((second & maskBit) !== 0) !== this.#isMasked) throw protocolError("a frame with a wrong mask bit");
    const length = second & lengthBits;
    this.#bytesLeft =
      length === lengthIn8 ? longLength(head) : length === lengthIn2 ? head.readUInt16BE(2) : length;
    const maskAt = this.#headBytes - maskBytes;
    const hasMask = this.#isMasked && head.readUInt32BE(maskAt) !== 0;
    this.#mask = hasMask ? head.subarray(maskAt, maskAt + maskBytes) : undefined;
    this.#maskAt = 0;
    this.#checkOperation();
    this.#headBytes = 0;
    this.#isInPayload = true;
  }

  #checkOperation(): void {
    switch (this.#operation) {
      case opcode.text:
        throw new FrameError(closeCodes.wrongKind, "a text message; only binary messages carry the protocol");
      case opcode.binary:
        if (this.#messageBytes !== undefined) throw protocolError("a message within a message");
        this.#messageBytes = 0;
        break;
      case opcode.continuation:
        if (this.#messageBytes === undefined) throw protocolError("the rest of no message");
        break;
      case opcode.close:
      case opcode.ping:
      case opcode.pong:
        if (!this.#isFinal || this.#bytesLeft > mostControlBytes)
          throw protocolError("a control frame too long");
        this.#controlBytes = 0;
        break;
      default:
        throw protocolError(`a frame of the unknown operation ${this.#operation}`);
    }
  }

  get #isControl(): boolean {
    return this.#operation >= opcode.close;
  }

  #takePayload(from: number, to: number): void {
    if (from === to) return;
    if (this.#isControl) {
      this.#controlBytes += this.#chunk.copy(this.#control, this.#controlBytes, from, to);
      return;
    }
    this.#messageBytes! += to - from;
    if (this.#from < this.#to && to - from < shortPiece) {
      this.#chunk.copyWithin(this.#to, from, to);
      this.#to += to - from;
    } else {
      this.#handOn();
      this.#from = from;
      this.#to = to;
    }
  }

  #handOn(): void {
    const bytes = this.#chunk.subarray(this.#from, this.#to);
    this.#from = this.#to;
    if (bytes.length > 0) this.#receiver.data(bytes);
  }

  #endFrame(): void {
    this.#isInPayload = false;
    if (this.#isControl) {
      const payload = this.#control.subarray(0, this.#controlBytes);
      if (this.#operation === opcode.ping) this.#receiver.ping(payload);
      if (this.#operation !== opcode.close) return;
      this.#handOn();
      this.#receiver.close();
    } else if (this.#isFinal) {
      const isEmpty = this.#messageBytes === 0;
      this.#messageBytes = undefined;
      if (!isEmpty) return;
      this.#handOn();
      this.#receiver.empty();
    }
  }

  #unmask(from: number, to: number, mask: Buffer): void {
    const chunk = this.#chunk;
    const shift = this.#maskAt - from;
    for (let at = from; at < to; at += 1) chunk[at]! ^= mask[(shift + at) & 3]!;
    this.#maskAt = (shift + to) & 3;
  }
}

function longLength(head: Buffer): number {
  const length = Number(head.readBigUInt64BE(2));
  if (length > Number.MAX_SAFE_INTEGER) throw new FrameError(closeCodes.tooLong, "a frame without end");
  return length;
}

function protocolError(message: string): FrameError {
  return new FrameError(closeCodes.protocol, message);
}
