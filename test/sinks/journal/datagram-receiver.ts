import { closeSync, readFileSync, rmSync } from "node:fs";
import koffi from "koffi";

const libc = koffi.load(null);
const socket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, void *, unsigned int)");
const recvmsg = libc.func("long recvmsg(int, void *, int)");
const fcntl = libc.func("int fcntl(int, int, int)");
const setsockopt = libc.func("int setsockopt(int, int, int, void *, unsigned int)");

const dontWait = 0x40;
const getSeals = 1034;

/** The contents of one datagram: an entry by itself, or in a memory file with its seals (`F_GET_SEALS`). */
export interface Received {
  readonly entry: Buffer;
  readonly seals?: number;
}

/** Replaces journald's socket, and reads only when the test says so. */
export class DatagramReceiver implements Disposable {
  readonly #path: string;
  readonly #data = Buffer.alloc(256 * 1_024);
  readonly #control = Buffer.alloc(24);
  readonly #vector = Buffer.alloc(16);
  readonly #message = Buffer.alloc(56);
  readonly received: Received[] = [];
  #fd: number;
  #reading: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
    rmSync(path, { force: true });
    this.#fd = socket(1, 2, 0);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(1);
    address.write(path, 2);
    if (bind(this.#fd, address, address.length) !== 0) throw new Error(`cannot bind ${path}`);
    // Like journald: the sender's process and user arrive with each datagram.
    setsockopt(this.#fd, 1, 16, Buffer.from([0, 0, 0, 0]), 4);
    this.#vector.writeBigUInt64LE(koffi.address(this.#data), 0);
    this.#vector.writeBigUInt64LE(BigInt(this.#data.length), 8);
    this.#message.writeBigUInt64LE(koffi.address(this.#vector), 16);
    this.#message.writeBigUInt64LE(1n, 24);
    this.#message.writeBigUInt64LE(koffi.address(this.#control), 32);
  }

  /** Reads everything that has arrived, `most` at most. */
  read(most = Number.POSITIVE_INFINITY): void {
    for (let left = most; left > 0; left -= 1) {
      this.#message.writeBigUInt64LE(BigInt(this.#control.length), 40);
      const length = Number(recvmsg(this.#fd, this.#message, dontWait));
      if (length < 0) return;
      const hasFile = this.#message.readBigUInt64LE(40) >= 20n;
      if (hasFile && length === 0) this.received.push(fileAt(this.#control.readInt32LE(16)));
      else this.received.push({ entry: Buffer.from(this.#data.subarray(0, length)) });
    }
  }

  /** Reads continuously. */
  keepReading(): this {
    this.#reading ??= setInterval(() => this.read(), 1);
    return this;
  }

  stopReading(): void {
    clearInterval(this.#reading);
    this.#reading = undefined;
  }

  /** Like the death of a journald whose socket nobody else holds: unread datagrams are lost. */
  vanish(): void {
    this.stopReading();
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.vanish();
    rmSync(this.#path, { force: true });
  }
}

function fileAt(fd: number): Received {
  const seals = fcntl(fd, getSeals, 0);
  const entry = readFileSync(`/proc/self/fd/${fd}`);
  closeSync(fd);
  return { entry, seals };
}
