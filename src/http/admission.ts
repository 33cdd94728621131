export interface AdmissionOptions {
  /** Most bytes of all requests under way: their bodies, and what is made of them. */
  readonly maxBytes: number;
  /** Memory of a request beside its body. */
  readonly requestBytes: number;
  /** Whether this many bytes of requests fit beside everything else that is held. @default they do */
  readonly fitBeside?: (bytes: number) => boolean;
}

/** A request has at least this long to come, in milliseconds, though others have no room. */
const leastComingMs = 2_000;

/** Decides how much of requests that are not answered yet is held. Those that are slow to come give way to others. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Those that are still coming, the longest first. */
  readonly #coming = new Map<Place, { readonly since: number; readonly giveWay: () => void }>();
  #bytes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Of requests under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A place for a request, if there is room; grows with what comes of it. */
  enter(): Place | undefined {
    const place = new Place(this);
    return place.hold(this.#options.requestBytes) ? place : undefined;
  }

  /** Whether a request that has so many bytes may have `more`. @internal */
  allows(place: Place, more: number): boolean {
    if (this.#hasRoom(place, more)) return true;
    const before = performance.now() - leastComingMs;
    for (const [other, { since, giveWay }] of this.#coming) {
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
  comes(place: Place, giveWay: () => void): void {
    this.#coming.set(place, { since: performance.now(), giveWay });
  }

  /** @internal */
  came(place: Place): void {
    this.#coming.delete(place);
  }

  #hasRoom({ bytes }: Place, more: number): boolean {
    const { maxBytes, fitBeside = () => true } = this.#options;
    const others = this.#bytes - bytes;
    // One at a time always gets through, whatever its size.
    if (others === 0) return fitBeside(1);
    const all = this.#bytes + more;
    return all <= maxBytes && fitBeside(all);
  }
}

/** Of one request. */
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

  /** Whether there is room for this many bytes more, of its body or what is made of it; if not, what was held before stays. */
  hold(more: number): boolean {
    if (this.#hasLeft || (more > 0 && !this.#admission.allows(this, more))) return false;
    this.#bytes += more;
    this.#admission.grew(more);
    return true;
  }

  /** The request begins to come; `giveWay` is called if it takes long, and others have no room: the place is lost then. */
  comes(giveWay: () => void): void {
    if (!this.#hasLeft) this.#admission.comes(this, giveWay);
  }

  /** It has come as a whole. */
  came(): void {
    this.#admission.came(this);
  }

  /** Idempotent. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.came();
    this.#admission.grew(-this.#bytes);
  }
}
