import { hostNetwork } from "../host-network.js";

/** Refusals within `windowMs` after which an address waits for as long. */
const mostRefusals = 10;
const windowMs = 60_000;
/** Most addresses remembered; the oldest is forgotten first. */
const mostAddresses = 10_000;

interface Remembered {
  refusals: number;
  since: number;
}

/** Remembers which addresses were recently refused: one that fails too often must wait a minute. */
export class RefusedAddresses {
  readonly #addresses = new Map<string, Remembered>();
  readonly #now: () => number;

  /** `now` in milliseconds, from any starting point. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(host: string): void {
    const key = hostNetwork(host);
    const known = this.#addresses.get(key);
    this.#addresses.delete(key);
    const isRecent = known !== undefined && this.#now() - known.since < windowMs;
    const refusals = isRecent ? known.refusals + 1 : 1;
    // The wait lasts a minute from the refusal that began it.
    const since = isRecent && refusals !== mostRefusals ? known.since : this.#now();
    this.#addresses.set(key, { refusals, since });
    if (this.#addresses.size > mostAddresses) this.#addresses.delete(this.#addresses.keys().next().value!);
  }

  mustWait(host: string): boolean {
    const known = this.#addresses.get(hostNetwork(host));
    return known !== undefined && known.refusals >= mostRefusals && this.#now() - known.since < windowMs;
  }
}
