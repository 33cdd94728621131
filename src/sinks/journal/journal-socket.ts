import { readFileSync, statSync, write } from "node:fs";
import { promisify } from "node:util";
import { type Libc, LibcError } from "./libc.js";
import { descriptorMessage } from "./message-table.js";

// Linux constants, the same on every 64-bit processor that Node runs on.
const unix = 1;
const datagram = 2;
const closeOnExec = 0o2000000;
const noSignal = 0x4000;
const solSocket = 1;
const option = { sendBuffer: 7, sendTimeout: 21 } as const;
const unreadBytesRequest = 0x5411;
const memfd = { closeOnExec: 1, allowSealing: 2 } as const;
const addSeals = 1033;
/** Seals against shrinking, growing, writing and changing the seals: journald accepts nothing else. */
const allSeals = 1 | 2 | 4 | 8;

/** The longest path of a socket: 108 bytes less the terminating zero. */
const pathBytes = 107;
/** The size that libsystemd asks for; the kernel gives what `net.core.wmem_max` allows. */
const sendBufferBytes = 8 * 2 ** 20;
/** How long a call in the pool waits for a full socket before it frees the thread for others. */
const sendTimeoutMs = 200;

const writeFile = promisify(write);

/** A connection to journald's datagram socket. One call at a time; not closed during a call. */
export class JournalSocket {
  readonly queueLimit = queueLimit();
  readonly #libc: Libc;
  readonly #path: string;
  readonly #fd: number;
  /** The socket file at the time of connecting. */
  readonly #file: string;
  readonly #number = Buffer.alloc(4);
  /** Referenced here so that it is not garbage-collected while the kernel reads it. */
  #descriptor: ReturnType<typeof descriptorMessage> | undefined;

  /** @throws LibcError, or an error of the file system, if there is no receiver */
  constructor(libc: Libc, path: string) {
    this.#libc = libc;
    this.#path = path;
    const before = fileAt(path);
    this.#fd = connected(libc, path);
    this.#file = fileAt(path);
    if (before !== this.#file) {
      this.close();
      throw new LibcError("connect", "ECONNREFUSED");
    }
    setNumbers(libc, this.#fd, option.sendBuffer, Buffer.from(new Int32Array([sendBufferBytes]).buffer));
    const timeout = Buffer.from(new BigInt64Array([0n, BigInt(sendTimeoutMs) * 1_000n]).buffer);
    setNumbers(libc, this.#fd, option.sendTimeout, timeout);
  }

  /**
   * Resolves with how many of the datagrams journald's socket has accepted, at least 1.
   * @throws LibcError; EAGAIN if the socket was full for `sendTimeoutMs`, EMSGSIZE if the first is too large
   */
  send(messages: Uint8Array, count: number): Promise<number> {
    return this.#libc.sendmmsg(this.#fd, messages, count, noSignal);
  }

  /** Sends an entry of any size, in a sealed file in memory. @throws like `send` */
  async sendLarge(entry: Uint8Array): Promise<void> {
    const fd = this.#libc.memfdCreate("muninn-journal", memfd.closeOnExec | memfd.allowSealing);
    try {
      for (let at = 0; at < entry.length; ) at += (await writeFile(fd, entry, at)).bytesWritten;
      this.#libc.fcntl(fd, addSeals, allSeals);
      this.#descriptor = descriptorMessage(this.#libc, fd);
      await this.send(this.#descriptor.messages, 1);
    } finally {
      this.#libc.close(fd);
    }
  }

  /** Kernel memory of datagrams that are not read yet; 0 if the other side is gone. */
  unreadBytes(): number {
    this.#libc.ioctl(this.#fd, unreadBytesRequest, this.#number);
    return this.#number.readInt32LE(0);
  }

  /** Whether the socket we are connected to is still the one at its path, and a process holds it. */
  isHeld(): boolean {
    try {
      if (fileAt(this.#path) !== this.#file) return false;
      this.#libc.close(connected(this.#libc, this.#path));
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

/** @throws LibcError */
function connected(libc: Libc, path: string): number {
  const fd = libc.socket(unix, datagram | closeOnExec, 0);
  try {
    const bytes = Buffer.from(path, "utf8");
    if (bytes.length > pathBytes) throw new LibcError("connect", "ENAMETOOLONG");
    const address = Buffer.alloc(pathBytes + 3);
    address.writeUInt16LE(unix, 0);
    address.set(bytes, 2);
    libc.connect(fd, address, address.length);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Best effort: if the kernel refuses, only speed suffers. */
function setNumbers(libc: Libc, fd: number, name: number, value: Buffer): void {
  try {
    libc.setsockopt(fd, solSocket, name, value, value.length);
  } catch {}
}

/** Most datagrams that the queue of a socket of this network namespace holds. */
function queueLimit(): number {
  try {
    // The kernel accepts one more than this limit.
    return Number(readFileSync("/proc/sys/net/unix/max_dgram_qlen", "utf8")) + 1;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Identifies the socket at a path: inodes are reused, but not with the same time. */
function fileAt(path: string): string {
  const { dev, ino, mtimeNs } = statSync(path, { bigint: true });
  return `${dev}:${ino}:${mtimeNs}`;
}
