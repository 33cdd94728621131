import type { Duplex } from "node:stream";
import type { Side } from "../protocol/mux.js";
import type { RecordingWriter } from "./recording-writer.js";

/** The two sides of one connection, as the recorder sees them. */
export interface Between {
  /** Name of the side that opened the connection to us, for people. */
  readonly opener: string;
  /** Where the other side listens, for people. */
  readonly listener: string;
  readonly openerStream: Duplex;
  readonly listenerStream: Duplex;
}

/** Bytes passed on since the start. */
export interface RecorderCounts {
  readonly connections: number;
  readonly connectionsNow: number;
  readonly bytesFromOpeners: number;
  readonly bytesFromListeners: number;
}

/** How long a side may take to close once the other has gone, or we stop, in milliseconds. */
const closingMs = 2_000;

/** Passes bytes between pairs of streams unchanged, and records them. */
export class Recorder {
  readonly #writer: RecordingWriter;
  /** Each with a promise that resolves when it has ended. */
  readonly #pairs = new Map<Between, Promise<void>>();
  #connections = 0;
  readonly #bytes = { opener: 0, listener: 0 };

  constructor(writer: RecordingWriter) {
    this.#writer = writer;
  }

  counts(): RecorderCounts {
    return {
      connections: this.#connections,
      connectionsNow: this.#pairs.size,
      bytesFromOpeners: this.#bytes.opener,
      bytesFromListeners: this.#bytes.listener,
    };
  }

  /** Passes on until both sides have closed; owns both streams from now on. Half-open is allowed on both. */
  pass(pair: Between): Promise<void> {
    this.#connections += 1;
    const connection = this.#connections;
    this.#writer.opened({ connection, opener: pair.opener, listener: pair.listener });
    this.#passOneWay(connection, "opener", pair.openerStream, pair.listenerStream);
    this.#passOneWay(connection, "listener", pair.listenerStream, pair.openerStream);
    const over = Promise.all([closed(pair.openerStream), closed(pair.listenerStream)]).then(() => {
      this.#pairs.delete(pair);
      this.#writer.closed(connection);
    });
    this.#pairs.set(pair, over);
    return over;
  }

  /** Reads no more, sends what was read, and closes every connection; idempotent, waits. */
  async stop(): Promise<void> {
    for (const { openerStream, listenerStream } of this.#pairs.keys()) {
      for (const stream of [openerStream, listenerStream]) {
        stream.pause();
        stream.end(() => stream.destroy());
        destroyLater(stream);
      }
    }
    await Promise.all(this.#pairs.values());
  }

  #passOneWay(connection: number, sender: Side, from: Duplex, to: Duplex): void {
    let offset = 0;
    let ended = false;
    from.on("data", (chunk: Buffer) => {
      this.#writer.bytes(connection, sender, offset, chunk);
      offset += chunk.length;
      this.#bytes[sender] += chunk.length;
      const waits: Promise<unknown>[] = [];
      if (to.writable && !to.write(chunk)) waits.push(drained(to));
      const roomAgain = this.#writer.roomAgain();
      if (roomAgain !== undefined) waits.push(roomAgain);
      if (waits.length === 0) return;
      from.pause();
      void Promise.all(waits).then(() => from.resume());
    });
    from.once("end", () => {
      ended = true;
      this.#writer.ended(connection, sender);
      to.end();
    });
    // A side that breaks the connection closes; what it had sent before still goes to the other.
    from.on("error", () => {});
    from.once("close", () => {
      if (!ended) to.end();
      destroyLater(to);
    });
  }
}

function closed(stream: Duplex): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => stream.once("close", resolve));
}

function destroyLater(stream: Duplex): void {
  if (stream.closed) return;
  const timer = setTimeout(() => stream.destroy(), closingMs);
  stream.once("close", () => clearTimeout(timer));
}

/** Resolves when a stream accepts more, or never will again. */
function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}
