import type { NodeIdentity } from "../../nodes/identity.js";
import type { ObjectAccount } from "../sink.js";
import { NodePulse } from "./node-pulse.js";

/** How long, and how many, nodes that left are still shown. */
const keptAfterLeavingMs = 3_600_000;
const mostGone = 1_000;

/** A node that is connected, or was recently. */
export interface KnownNode {
  readonly identity: NodeIdentity;
  readonly pulse: NodePulse;
  readonly account: ObjectAccount;
  /** When it first connected, or, if it left, when that was; in milliseconds since 1970. */
  readonly since: number;
  readonly isConnected: boolean;
}

interface Entry extends KnownNode {
  identity: NodeIdentity;
  account: ObjectAccount;
  since: number;
  isConnected: boolean;
  connections: number;
}

/** The nodes connected now or within the last hour, by name. */
export class KnownNodes {
  readonly #entries = new Map<string, Entry>();
  /** Those that left, in the order of leaving. */
  readonly #gone = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  open(identity: NodeIdentity, account: ObjectAccount): void {
    const now = this.#now();
    const entry = this.#entries.get(identity.name);
    if (entry === undefined) {
      const pulse = new NodePulse(now);
      this.#entries.set(identity.name, {
        identity,
        account,
        pulse,
        since: now,
        isConnected: true,
        connections: 1,
      });
      return;
    }
    this.#gone.delete(identity.name);
    entry.identity = identity;
    entry.account = account;
    entry.connections += 1;
    if (!entry.isConnected) entry.since = now;
    entry.isConnected = true;
  }

  close({ name }: NodeIdentity): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.connections -= 1;
    if (entry.connections > 0) return;
    entry.isConnected = false;
    entry.since = this.#now();
    this.#gone.set(name, entry);
    this.#forgetOld();
  }

  of(name: string): KnownNode | undefined {
    return this.#entries.get(name);
  }

  all(): Iterable<KnownNode> {
    this.#forgetOld();
    return this.#entries.values();
  }

  #forgetOld(): void {
    const before = this.#now() - keptAfterLeavingMs;
    for (const [name, { since }] of this.#gone) {
      if (this.#gone.size <= mostGone && since >= before) return;
      this.#gone.delete(name);
      this.#entries.delete(name);
    }
  }
}
