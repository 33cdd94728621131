import { Socket } from "node:net";
import { preparePeerSocket } from "../peer-socket.js";

/** More than a unix socket holds by default: whatever waits comes at once. Node itself reads 64 KiB at a time. */
const memory = Buffer.allocUnsafeSlow(256 * 1_024);

/** What Node keeps of a socket in the kernel. It is not documented: where it is missing, all works as without. */
interface HasHandle {
  _handle?: object | null;
}

/**
 * The same connection, read into memory that all sockets share: the bytes of a `data` event are valid until it ends. Node
 * makes new memory for each read, which the processor never has in its caches and the garbage collector has to find again.
 */
export function withSharedReads(socket: Socket): Socket {
  const { _handle: handle } = socket as HasHandle;
  const isFresh = socket.readableFlowing === null && socket.readableLength === 0;
  if (!isFresh || !handle) return socket;

  const read = (bytes: number) => {
    const piece = memory.subarray(0, bytes);
    // Nobody listens yet.
    if (!shared.readableFlowing) return shared.push(Buffer.from(piece));
    shared.emit("data", piece);
    return true;
  };
  const options = { handle, allowHalfOpen: true, onread: { buffer: memory, callback: read } };
  const shared: Socket = new Socket(options);
  (socket as HasHandle)._handle = null;
  preparePeerSocket(shared);
  // A listener counts the socket that it has made.
  shared.once("close", () => socket.destroy());
  return shared;
}
