import { Socket } from "node:net";

/** More than a unix socket holds by default: whatever waits comes at once. Node itself reads 64 KiB at a time. */
let mostBytes = 256 * 1_024;
let shared: Buffer | undefined;

/**
 * Sets how many bytes sockets with shared reads read at a time, for existing ones after their next read: of everything
 * read at once, several copies are in transit.
 */
export function readAtMost(bytes: number): void {
  mostBytes = bytes;
  shared = undefined;
}

function sharedMemory(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(mostBytes);
  return shared;
}

/**
 * Node's symbols for the option `onread` of a socket, which it accepts only for sockets that we open, and its handle in the
 * kernel. This is undocumented: if it is missing, everything works as without it.
 */
const [bufferKey, callbackKey, nextKey] = ["kBuffer", "kBufferCb", "kBufferGen"].map((name) =>
  Object.getOwnPropertySymbols(new Socket()).find(({ description }) => description === name),
);
type Insides = Record<symbol, unknown> & {
  _handle?: { useUserBuffer?(memory: Uint8Array): void } | null;
};

/**
 * Makes a socket, plain or TLS, read into memory that all sockets share: the bytes of a `data` event are valid until it ends,
 * which listeners must know. Node allocates new memory for each read, which is in no processor cache and which the garbage
 * collector has to find again. And a pause takes effect at once: otherwise one more piece would wait in each paused socket.
 *
 * @param memoryOf the memory for the next read. @default that of all connections of links
 */
export function shareReads(socket: Socket, memoryOf: () => Buffer = sharedMemory): void {
  const insides = socket as unknown as Insides;
  const { _handle: handle } = insides;
  if (bufferKey === undefined || callbackKey === undefined) return;
  if (typeof handle?.useUserBuffer !== "function") return;

  insides[bufferKey] = memoryOf();
  if (nextKey !== undefined)
    insides[nextKey] = () => (insides[bufferKey] === memoryOf() ? undefined : memoryOf());
  insides[callbackKey] = (bytes: number, memory: Buffer) => {
    const piece = memory.subarray(0, bytes);
    // There is no listener, or bytes that arrived while there was none must be delivered first.
    if (!socket.readableFlowing || socket.readableLength > 0) return socket.push(Buffer.from(piece));
    socket.emit("data", piece);
    return true;
  };
  handle.useUserBuffer(memoryOf());
}
