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

/**
 * Follows all connections of a recording and yields the messages of the nodes. The first message shows which side is the
 * node; bytes sent before it wait until then.
 */
export class RecordedTraffic {
  readonly #connections = new Map<number, RecordedConnection>();
  readonly #onRemark: (text: string) => void;

  constructor(onRemark: (text: string) => void) {
    this.#onRemark = onRemark;
  }

  *push(frame: Frame): Generator<TrafficMessage> {
    if (frame.kind === "closed") this.#connections.delete(frame.connection);
    if (frame.kind !== "bytes") return;
    const { at, connection, sender, offset, data } = frame;
    let recorded = this.#connections.get(connection);
    if (recorded === undefined) {
      recorded = new RecordedConnection();
      this.#connections.set(connection, recorded);
    }
    try {
      for (const message of recorded.push(sender, offset, data)) yield { at, connection, message };
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof HoleError)) throw error;
      this.#onRemark(`connection ${connection}: ${error.message}; the rest of it is left out`);
      recorded.giveUp();
    }
  }
}

/** Bytes of a connection are missing from the recording. */
class HoleError extends Error {
  override readonly name = "HoleError";
}

class RecordedConnection {
  #forwarder: { readonly side: Side; readonly reader: RecordedForwarder } | undefined;
  readonly #sides = { opener: new RecordedSide("opener"), listener: new RecordedSide("listener") };
  #isGivenUp = false;

  /** @throws ProtocolError, HoleError */
  *push(sender: Side, offset: number, data: Uint8Array): Generator<ForwarderMessage> {
    if (this.#isGivenUp) return;
    const side = this.#sides[sender];
    side.expect(offset, data.length);
    if (this.#forwarder !== undefined) {
      if (this.#forwarder.side === sender) yield* this.#forwarder.reader.push(data);
      return;
    }
    const role = side.search(data);
    if (role === undefined) return;
    const forwarder = (role === "forwarder") === (sender === "opener") ? "opener" : "listener";
    this.#forwarder = { side: forwarder, reader: new RecordedForwarder(forwarder) };
    for (const earlier of this.#sides[forwarder].takeEarlier()) yield* this.#forwarder.reader.push(earlier);
    this.#sides[forwarder === "opener" ? "listener" : "opener"].takeEarlier();
  }

  giveUp(): void {
    this.#isGivenUp = true;
  }
}

/** One side while it is unknown which of the two is the node. */
class RecordedSide {
  readonly #search: ForwarderSearch;
  #earlier: Uint8Array[] = [];
  #offset = 0;

  constructor(side: Side) {
    this.#search = new ForwarderSearch(side);
  }

  expect(offset: number, length: number): void {
    if (offset !== this.#offset)
      throw new HoleError(`${Math.abs(offset - this.#offset)} bytes are not in the recording`);
    this.#offset += length;
  }

  search(data: Uint8Array): ReturnType<ForwarderSearch["push"]> {
    this.#earlier.push(data);
    return this.#search.push(data);
  }

  takeEarlier(): Uint8Array[] {
    return this.#earlier.splice(0);
  }
}
