import type { Socket } from "node:net";
import { Duplex } from "node:stream";

const headEnd = Buffer.from("\r\n\r\n");

/**
 * The head of a peer's first request, as a connection that HTTP can serve. Nothing after it is passed on: thousands of requests
 * fit into one piece, and HTTP would parse all of them in one turn of the event loop.
 */
export class RequestHead extends Duplex {
  readonly socket: Socket;
  /** What has arrived after the head. */
  rest: Buffer = Buffer.alloc(0);
  /** The last bytes passed on: the head's end may arrive in pieces. */
  #last: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.socket = socket;
    this.on("error", () => {});
    socket.on("data", this.#take).on("end", this.#end).on("close", this.#close);
  }

  /** Reads no more: whatever arrives from now on is for the next listener of the socket, or dropped. */
  release(): void {
    this.socket.off("data", this.#take).off("end", this.#end).off("close", this.#close).resume();
  }

  override _read(): void {}

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  readonly #take = (chunk: Buffer): void => {
    const seen = Buffer.concat([this.#last, chunk]);
    const at = seen.indexOf(headEnd);
    if (at === -1) {
      this.#last = Buffer.from(seen.subarray(-(headEnd.length - 1)));
      this.push(chunk);
      return;
    }
    const end = at + headEnd.length - this.#last.length;
    this.socket.off("data", this.#take).pause();
    this.rest = chunk.subarray(end);
    this.push(chunk.subarray(0, end));
  };

  readonly #end = (): void => {
    this.push(null);
  };

  readonly #close = (): void => {
    this.destroy();
  };
}
