/** Names that an address may bring at once, before it is held to its rate. */
const burst = 1_000;
/** New names that an address may bring in a minute, in the long run. */
const perMinute = 60;
/** Addresses that are remembered; those that brought names longest ago are forgotten first. */
const maxAddresses = 10_000;

interface Allowance {
  left: number;
  /** When `left` was true. */
  at: number;
}

export interface NewNamesOptions {
  /** Names a minute and address in the long run. @default 60 */
  readonly perMinute?: number;
  /** Names at once. @default 1_000 */
  readonly burst?: number;
  /** Milliseconds since some moment. */
  readonly now?: () => number;
}

/**
 * How many unknown names an address may bring: each of them makes a directory, files and a page, which stay
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

  /** Takes one new name of this address; false, and counted, if it has brought too many. */
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

  /** Whether the address may bring a new name now. */
  allows(address: string): boolean {
    return this.#left(address) >= 1;
  }

  /** Connections refused because of it, since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Addresses that currently may not bring new names, for health. */
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
