/** New names allowed at once from an address, before its rate applies. */
const burst = 1_000;
/** New names a minute from an address, in the long run. */
const perMinute = 60;
/** Most remembered addresses; those with the oldest new names are forgotten first. */
const maxAddresses = 10_000;

interface Allowance {
  left: number;
  /** When `left` was true. */
  at: number;
}

export interface NewNamesOptions {
  /** Names a minute for each address, in the long run. @default 60 */
  readonly perMinute?: number;
  /** Names at once. @default 1_000 */
  readonly burst?: number;
  /** Milliseconds, from any starting point. */
  readonly now?: () => number;
}

/**
 * Limits the new names from each address: each of them creates a directory, files and a page, which stay
 * when the peer is gone.
 */
export class NewNames {
  readonly #perMinute: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** In the order in which they were last touched. */
  readonly #allowances = new Map<string, Allowance>();
  #refused = 0;

  constructor(options: NewNamesOptions = {}) {
    this.#perMinute = options.perMinute ?? perMinute;
    this.#burst = options.burst ?? burst;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Takes one new name from this address; false, and counted, if there were too many. */
  take(address: string): boolean {
    const left = this.#left(address);
    if (left < 1) {
      this.#refused += 1;
      return false;
    }
    this.#allowances.delete(address);
    this.#allowances.set(address, { left: left - 1, at: this.#now() });
    if (this.#allowances.size > maxAddresses) this.#forgetOldest();
    return true;
  }

  /** Whether a new name from the address is allowed now. */
  allows(address: string): boolean {
    return this.#left(address) >= 1;
  }

  /** Connections refused because of this limit, since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Addresses from which no new names are currently allowed, for health. */
  exhausted(): string[] {
    return [...this.#allowances.keys()].filter((address) => !this.allows(address));
  }

  #left(address: string): number {
    const known = this.#allowances.get(address);
    if (known === undefined) return this.#burst;
    return Math.min(this.#burst, known.left + ((this.#now() - known.at) * this.#perMinute) / 60_000);
  }

  #forgetOldest(): void {
    for (const address of this.#allowances.keys()) {
      this.#allowances.delete(address);
      return;
    }
  }
}
