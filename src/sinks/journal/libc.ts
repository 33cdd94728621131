import { endianness } from "node:os";
import { getSystemErrorName } from "node:util";

/** The calls of the C library that Muninn uses. Memory passed to them must stay until the call ends. */
export interface Libc {
  /** @throws LibcError, as all of these */
  socket(domain: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  fcntl(fd: number, command: number, argument: number): number;
  memfdCreate(name: string, flags: number): number;
  close(fd: number): number;
  /** Runs in a thread of the pool, because it may block. Resolves with how many messages were sent, at least 1. */
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): Promise<number>;
  /** The address of the first byte of a buffer. */
  addressOf(memory: Uint8Array): number;
}

/** A call of the C library failed. */
export class LibcError extends Error {
  override readonly name = "LibcError";
  /** Such as `ECONNREFUSED`. */
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** The C library cannot be called here; the message says why, and what to do about it. */
export class LibcMissing extends Error {
  override readonly name = "LibcMissing";
}

/**
 * Loads the library `koffi`, an optional dependency, and through it the C library.
 * @throws LibcMissing
 */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== "linux") throw new LibcMissing("needs Linux: there is no journald on this system");
  const koffi = await loadKoffi();
  // Structures are laid out by hand.
  if (koffi.sizeof("void *") !== 8 || endianness() !== "LE") {
    throw new LibcMissing(`needs a 64-bit little-endian processor; this one is ${process.arch}`);
  }
  const c = koffi.load(null);
  const failure = (name: string) => new LibcError(name, getSystemErrorName(-koffi.errno()));
  const call = (name: string, result: string, ...parameters: string[]) => {
    const native = c.func(name, result, parameters);
    return (...given: unknown[]): number => {
      const returned: number = native(...given);
      if (returned < 0) throw failure(name);
      return returned;
    };
  };
  const sendmmsg = c.func("sendmmsg", "int", ["int", "void *", "unsigned int", "int"]);
  return {
    socket: call("socket", "int", "int", "int", "int"),
    connect: call("connect", "int", "int", "void *", "unsigned int"),
    setsockopt: call("setsockopt", "int", "int", "int", "int", "void *", "unsigned int"),
    ioctl: call("ioctl", "int", "int", "unsigned long", "void *"),
    fcntl: call("fcntl", "int", "int", "int", "int"),
    memfdCreate: call("memfd_create", "int", "const char *", "unsigned int"),
    close: call("close", "int", "int"),
    sendmmsg: (...given) =>
      new Promise((resolve, reject) => {
        sendmmsg.async(...given, (error: unknown, count: number) => {
          if (error) reject(error);
          // During this callback errno is still that of the call in the pool.
          else if (count < 0) reject(failure("sendmmsg"));
          else resolve(count);
        });
      }),
    addressOf: (memory) => Number(koffi.address(memory)),
  };
}

async function loadKoffi(): Promise<typeof import("koffi").default> {
  try {
    return (await import("koffi")).default;
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new LibcMissing(
      "needs the library koffi: install it with `npm install --global koffi`, or Muninn again without `--omit=optional`" +
        ` (${reason})`,
    );
  }
}
