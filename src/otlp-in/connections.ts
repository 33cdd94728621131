import type { Socket } from "node:net";
import { ConnectionTable, type Place } from "../http/connection-table.js";
import type { Door, Transport } from "./door.js";

/** The other side of a connection. */
type Peer = Pick<Socket, "remoteAddress" | "remotePort">;

/**
 * The connections of one server. If all places are taken, the one that has waited longest for a request, or for the rest of one, gives
 * way: so slow or silent clients keep nobody out.
 */
export class Connections {
  readonly #table: ConnectionTable;
  /** Complete, unanswered requests of each connection. */
  readonly #whole = new WeakMap<Place, number>();

  constructor(places: number, door: Pick<Door, "closed">, transport: Transport) {
    this.#table = new ConnectionTable({
      places,
      reserve: 0,
      onClosed: ({ remoteAddress = "unknown" }, reason) => door.closed(transport, reason, remoteAddress),
    });
  }

  get size(): number {
    return this.#table.size;
  }

  /** Gives a new connection a place, or destroys it. */
  enter(socket: Socket): void {
    this.#table.enter(socket);
  }

  destroyAll(): void {
    this.#table.destroyAll();
  }

  /** Called when a request begins to arrive. */
  begins(peer: Peer): void {
    const place = this.#table.of(peer);
    if (place !== undefined) this.#table.refresh(place);
  }

  /** Called when a request is complete; the function returned is to be called once it is answered. */
  isWhole(peer: Peer): () => void {
    const place = this.#table.of(peer);
    if (place === undefined) return () => {};
    this.#add(place, 1);
    return () => this.#add(place, -1);
  }

  #add(place: Place, requests: number): void {
    const whole = (this.#whole.get(place) ?? 0) + requests;
    this.#whole.set(place, whole);
    this.#table.setBusy(place, whole > 0);
  }
}
