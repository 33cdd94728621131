import type { Libc } from "./libc.js";

// What sendmmsg reads, on 64 bits, little endian: an array of `struct mmsghdr`, each of which points to the buffers
// (`struct iovec`) of one datagram.

/** `struct iovec`: address (8), length (8). */
const vectorBytes = 16;
/**
 * `struct mmsghdr`: name (8) and its length (4, 4 unused), vectors (8) and their number (8), control data (8) and its
 * length (8), flags (4, 4 unused), bytes sent (4, 4 unused).
 */
const messageBytes = 64;
const at = { vectors: 16, vectorCount: 24, control: 32, controlLength: 40 } as const;

/** A run of datagrams, one entry each, in its own memory, which is reused. */
export class MessageTable {
  readonly bytes: Buffer;
  readonly #address: number;
  readonly #vectors: Buffer;
  readonly #messages: Buffer;
  readonly #lengths: number[] = [];
  #end = 0;

  constructor(libc: Libc, size: { readonly entries: number; readonly bytes: number }) {
    this.bytes = Buffer.allocUnsafeSlow(size.bytes);
    this.#address = libc.addressOf(this.bytes);
    this.#vectors = Buffer.alloc(size.entries * vectorBytes);
    this.#messages = Buffer.alloc(size.entries * messageBytes);
    const vectors = libc.addressOf(this.#vectors);
    for (let index = 0; index < size.entries; index += 1) {
      writeAddress(this.#messages, index * messageBytes + at.vectors, vectors + index * vectorBytes);
      this.#messages.writeUInt32LE(1, index * messageBytes + at.vectorCount);
    }
  }

  /** Number of entries. */
  get count(): number {
    return this.#lengths.length;
  }

  /** Whether there is room for one more of this many bytes. */
  hasRoom(bytes: number): boolean {
    return this.#end + bytes <= this.bytes.length && (this.count + 1) * vectorBytes <= this.#vectors.length;
  }

  /** Where in `bytes` the next entry begins. */
  get at(): number {
    return this.#end;
  }

  /** The next entry is complete, and ends before `end`. */
  add(end: number): void {
    const start = this.#end;
    this.#end = end;
    const vector = this.count * vectorBytes;
    writeAddress(this.#vectors, vector, this.#address + start);
    this.#vectors.writeUInt32LE(this.#end - start, vector + 8);
    this.#lengths.push(this.#end - start);
  }

  /** Bytes of an entry. */
  lengthOf(index: number): number {
    return this.#lengths[index]!;
  }

  entry(index: number): Uint8Array {
    const start = this.#lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
    return this.bytes.subarray(start, start + this.lengthOf(index));
  }

  /** For sendmmsg: the entries from `index` on. */
  messagesFrom(index: number): Uint8Array {
    return this.#messages.subarray(index * messageBytes);
  }

  clear(): void {
    this.#lengths.length = 0;
    this.#end = 0;
  }
}

/** `struct cmsghdr` and one descriptor: length (8), level (4), type (4), descriptor (4, 4 unused). */
const controlBytes = 24;
const controlLength = 20;
const solSocket = 1;
const scmRights = 1;

/** For sendmmsg: one empty datagram that carries a file descriptor; `control` must stay until it was sent. */
export function descriptorMessage(libc: Libc, fd: number): { messages: Uint8Array; control: Uint8Array } {
  const control = Buffer.alloc(controlBytes);
  control.writeUInt32LE(controlLength, 0);
  control.writeInt32LE(solSocket, 8);
  control.writeInt32LE(scmRights, 12);
  control.writeInt32LE(fd, 16);
  const messages = Buffer.alloc(messageBytes);
  writeAddress(messages, at.control, libc.addressOf(control));
  messages.writeUInt32LE(controlBytes, at.controlLength);
  return { messages, control };
}

function writeAddress(into: Buffer, at: number, address: number): void {
  into.writeUInt32LE(address % 2 ** 32, at);
  into.writeUInt32LE(Math.floor(address / 2 ** 32), at + 4);
}
