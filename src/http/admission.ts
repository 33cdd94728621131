export interface AdmissionOptions {
  /** Most bytes of all requests in progress: their bodies, and what is made of them. */
  readonly maxBytes: number;
  /** Memory of a request in addition to its body. */
  readonly requestBytes: number;
  /** Whether this many bytes of requests fit in addition to everything else in memory. @default they do */
  readonly fitBeside?: (bytes: number) => boolean;
}

/** A request has at least this long to arrive, in milliseconds, even if others have no room. */
const leastArrivalMs = 2_000;

/** Limits the memory of unanswered requests. Requests that arrive slowly give way to others. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Requests that are still arriving, the oldest first. */
  readonly #arriving = new Map<Place, { readonly since: number; readonly giveWay: () => void }>();
  #bytes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Memory of requests in progress. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A place for a request, if there is room; it grows as the request arrives. */
  enter(): Place | undefined {
    const place = new Place(this);
    return place.hold(this.#options.requestBytes) ? place : undefined;
  }

  /** Whether the request at a place may have this many `more` bytes. @internal */
  allows(place: Place, more: number): boolean {
    if (this.#hasRoom(place, more)) return true;
    const before = performance.now() - leastArrivalMs;
    for (const [other, { since, giveWay }] of this.#arriving) {
      if (since > before) break;
      if (other === place) continue;
      other.leave();
      giveWay();
      if (this.#hasRoom(place, more)) return true;
    }
    return false;
  }

  /** @internal */
  grew(bytes: number): void {
    this.#bytes += bytes;
  }

  /** @internal */
  arriving(place: Place, giveWay: () => void): void {
    this.#arriving.set(place, { since: performance.now(), giveWay });
  }

  /** @internal */
  arrived(place: Place): void {
    this.#arriving.delete(place);
  }

  #hasRoom({ bytes }: Place, more: number): boolean {
    const { maxBytes, fitBeside = () => true } = this.#options;
    const others = this.#bytes - bytes;
    // A single request is always admitted, whatever its size.
    if (others === 0) return fitBeside(1);
    const all = this.#bytes + more;
    return all <= maxBytes && fitBeside(all);
  }
}

/** The memory reserved for one request. */
export class Place {
  readonly #admission: Admission;
  #bytes = 0;
  #hasLeft = false;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Reserves this many more bytes, for its body or what is made of it; false if there is no room, and then nothing changes. */
  hold(more: number): boolean {
    if (this.#hasLeft || (more > 0 && !this.#admission.allows(this, more))) return false;
    this.#bytes += more;
    this.#admission.grew(more);
    return true;
  }

  /** The request begins to arrive; `giveWay` is called, and the place lost, if it takes long and others have no room. */
  arriving(giveWay: () => void): void {
    if (!this.#hasLeft) this.#admission.arriving(this, giveWay);
  }

  /** The request is complete. */
  arrived(): void {
    this.#admission.arrived(this);
  }

  /** Releases the place. Idempotent. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.arrived();
    this.#admission.grew(-this.#bytes);
  }
}
