import { ProtocolError } from "../protocol/faults.js";
import type { Side } from "../protocol/mux.js";
import { ForwarderSearch } from "./forwarder-search.js";
import type { Frame } from "./frame.js";
import { type ForwarderMessage, RecordedForwarder } from "./recorded-forwarder.js";

/** A message of a node: when, and over which connection of the recording. */
export interface TrafficMessage {
  /** Microseconds since the recording began. */
  readonly at: number;
  readonly connection: number;
  readonly message: ForwarderMessage;
}

/** Connections followed at the same time: more than any tracer accepts by default. */
const mostConnections = 10_000;
/** Of all connections: one object of the longest is always possible. */
const mostUnfinishedBytes = 512 * 1024 * 1024;
/** Reads of a socket before the first message: a handshake is one or two. */
const mostEarlierPieces = 1_000;

/**
 * Follows all connections of a recording and yields the messages of the nodes. The first message shows which side is the
 * node; bytes sent before it wait until then.
 */
export class RecordedTraffic {
  readonly #connections = new Map<number, RecordedConnection>();
  /** Of all connections, in bytes. */
  #unfinished = 0;
  #hasTooMany = false;
  readonly #onRemark: (text: string) => void;

  constructor(onRemark: (text: string) => void) {
    this.#onRemark = onRemark;
  }

  *push(frame: Frame): Generator<TrafficMessage> {
    if (frame.kind === "closed") this.#close(frame.connection);
    if (frame.kind !== "bytes") return;
    const { at, connection, sender, offset, data } = frame;
    const recorded = this.#connections.get(connection) ?? this.#open(connection);
    if (recorded === undefined) return;
    const before = recorded.unfinishedBytes;
    try {
      for (const message of recorded.push(sender, offset, data)) yield { at, connection, message };
      if (this.#unfinished + recorded.unfinishedBytes - before > mostUnfinishedBytes)
        throw new LeftOutError("too much of what was sent at the same time is unfinished");
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof LeftOutError)) throw error;
      this.#onRemark(`connection ${connection}: ${error.message}; the rest of it is left out`);
      recorded.giveUp();
    }
    this.#unfinished += recorded.unfinishedBytes - before;
  }

  #open(connection: number): RecordedConnection | undefined {
    if (this.#connections.size >= mostConnections) {
      if (!this.#hasTooMany)
        this.#onRemark(
          `more than ${mostConnections} connections are open at the same time; the others are left out`,
        );
      this.#hasTooMany = true;
      return undefined;
    }
    const recorded = new RecordedConnection();
    this.#connections.set(connection, recorded);
    return recorded;
  }

  #close(connection: number): void {
    this.#unfinished -= this.#connections.get(connection)?.unfinishedBytes ?? 0;
    this.#connections.delete(connection);
  }
}

/** Why the rest of a connection cannot be read. */
class LeftOutError extends Error {
  override readonly name = "LeftOutError";
}

class RecordedConnection {
  #forwarder: { readonly side: Side; readonly reader: RecordedForwarder } | undefined;
  /** Absent once it is given up. */
  #sides: Readonly<Record<Side, RecordedSide>> | undefined = {
    opener: new RecordedSide("opener"),
    listener: new RecordedSide("listener"),
  };

  /** @throws ProtocolError, LeftOutError */
  *push(sender: Side, offset: number, data: Uint8Array): Generator<ForwarderMessage> {
    const sides = this.#sides;
    if (sides === undefined) return;
    const side = sides[sender];
    side.expect(offset, data.length);
    if (this.#forwarder !== undefined) {
      if (this.#forwarder.side === sender) yield* this.#forwarder.reader.push(data);
      return;
    }
    const role = side.search(data);
    if (role === undefined) return;
    const forwarder = (role === "forwarder") === (sender === "opener") ? "opener" : "listener";
    this.#forwarder = { side: forwarder, reader: new RecordedForwarder(forwarder) };
    for (const earlier of sides[forwarder].takeEarlier()) yield* this.#forwarder.reader.push(earlier);
    sides[forwarder === "opener" ? "listener" : "opener"].takeEarlier();
  }

  /** Bytes kept of unfinished messages, and of those not understood yet. */
  get unfinishedBytes(): number {
    const earlier = (this.#sides?.opener.earlierBytes ?? 0) + (this.#sides?.listener.earlierBytes ?? 0);
    return earlier + (this.#forwarder?.reader.unfinishedBytes ?? 0);
  }

  giveUp(): void {
    this.#sides = undefined;
    this.#forwarder = undefined;
  }
}

/** One side while it is unknown which of the two is the node. */
class RecordedSide {
  readonly #search: ForwarderSearch;
  #earlier: Uint8Array[] = [];
  #earlierBytes = 0;
  #offset = 0;

  constructor(side: Side) {
    this.#search = new ForwarderSearch(side);
  }

  expect(offset: number, length: number): void {
    if (offset !== this.#offset)
      throw new LeftOutError(`${Math.abs(offset - this.#offset)} bytes are not in the recording`);
    this.#offset += length;
  }

  get earlierBytes(): number {
    return this.#earlierBytes;
  }

  /** @throws LeftOutError */
  search(data: Uint8Array): ReturnType<ForwarderSearch["push"]> {
    // A copy: the bytes of a frame keep its whole block in memory.
    this.#earlier.push(Uint8Array.from(data));
    this.#earlierBytes += data.length;
    const role = this.#search.push(data);
    if (role === undefined && this.#earlier.length > mostEarlierPieces)
      throw new LeftOutError("it does not show which side is the node");
    return role;
  }

  takeEarlier(): Uint8Array[] {
    this.#earlierBytes = 0;
    return this.#earlier.splice(0);
  }
}
