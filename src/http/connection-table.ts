import type { Socket } from "node:net";

/** The other side of a connection: with TLS two sockets share one. */
interface Peer {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** A connection with its place at an endpoint. */
export interface Place {
  readonly socket: Socket;
  readonly peer: string;
  /** Whether a request is being answered, or the connection was upgraded to another protocol. */
  isBusy: boolean;
}

/**
 * The connections of an endpoint. When all places are taken, the connection that has waited longest for a request is
 * closed for a new one. In addition a few places are reserved for requests that must always be answered.
 */
export class ConnectionTable {
  readonly #places: number;
  readonly #reserve: number;
  readonly #taken = new Map<string, Place>();
  /** Connections that wait for a request, longest first. */
  readonly #idle = new Set<Place>();
  readonly #onClosed: (socket: Socket, reason: "gave-way" | "no-place") => void;
  readonly #onFull: () => void;
  #refused = 0;

  /** `onClosed` is called before a connection is closed, `onFull` when all places are taken and none is idle. */
  constructor(options: {
    places: number;
    reserve: number;
    onClosed?: (socket: Socket, reason: "gave-way" | "no-place") => void;
    onFull?: () => void;
  }) {
    this.#places = options.places;
    this.#reserve = options.reserve;
    this.#onClosed = options.onClosed ?? (() => {});
    this.#onFull = options.onFull ?? (() => {});
  }

  /** Gives a new connection a place, or destroys it. */
  enter(socket: Socket): void {
    const peer = peerOf(socket);
    if (this.#taken.size >= this.#places) {
      const [longestIdle] = this.#idle;
      if (longestIdle !== undefined) {
        this.#leave(longestIdle);
        this.#onClosed(longestIdle.socket, "gave-way");
        longestIdle.socket.destroy();
      } else {
        this.#onFull();
        if (this.#taken.size >= this.#places + this.#reserve) {
          this.#refused += 1;
          this.#onClosed(socket, "no-place");
          socket.destroy();
          return;
        }
      }
    }
    const place = { socket, peer, isBusy: false };
    this.#taken.set(peer, place);
    this.#idle.add(place);
    socket.once("close", () => this.#leave(place));
  }

  /** The place of a connection; undefined if it has just been lost. */
  of(connection: Peer): Place | undefined {
    return this.#taken.get(peerOf(connection));
  }

  setBusy(place: Place, isBusy: boolean): void {
    if (place.isBusy === isBusy || this.#taken.get(place.peer) !== place) return;
    place.isBusy = isBusy;
    if (isBusy) this.#idle.delete(place);
    else this.#idle.add(place);
  }

  /** The connection was active: of the idle ones it now gives way last. */
  refresh(place: Place): void {
    if (this.#idle.delete(place)) this.#idle.add(place);
  }

  /** Whether there are more connections than places, so that only essential requests are answered. */
  get isCrowded(): boolean {
    return this.#taken.size > this.#places;
  }

  get size(): number {
    return this.#taken.size;
  }

  /** Connections refused so far. */
  get refused(): number {
    return this.#refused;
  }

  destroyAll(): void {
    for (const { socket } of this.#taken.values()) socket.destroy();
  }

  #leave(place: Place): void {
    this.#idle.delete(place);
    if (this.#taken.get(place.peer) === place) this.#taken.delete(place.peer);
  }
}

function peerOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
