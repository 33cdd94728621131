import type { NodeIdentity } from "../nodes/identity.js";
import type { DropReason } from "./drop-reasons.js";
import type { Dropped, ObjectAccount } from "./sink.js";

/** What became of the objects of one node at one sink. Whenever nothing is in flight, received = written + Σ dropped. */
export interface SinkAccount {
  received: number;
  written: number;
  /** Batches received. */
  batches: number;
  /** Bytes received, as the node sent them. */
  bytes: number;
  readonly dropped: Map<DropReason, number>;
}

interface NodeAccounts {
  /** Connections of this name now. */
  connections: number;
  /** When the last of them ended, in milliseconds since 1970. */
  goneAt: number;
  readonly bySink: Map<string, SinkAccount>;
}

/** How long a node that left keeps its own counts, in milliseconds. */
export const keptAfterLeavingMs = 10 * 60_000;
/** Most nodes that left and keep their own counts, because peers choose the names. */
const mostGone = 1_000;

/** How many of them are checked whenever one leaves, because thousands may leave at the same time. */
const looksAtOnce = 64;

/** Stands for all nodes that left long ago. */
export const departed = "";

/**
 * Counts every object received, for each of its sinks, until it is written or dropped for a reason. After a while the counts
 * of nodes that left are added to those of `departed`, so that sums never go down.
 */
export class Accounting {
  readonly #nodes = new Map<string, NodeAccounts>();
  /** Those without a connection, in the order of leaving. */
  readonly #gone = new Map<string, NodeAccounts>();
  readonly #now: () => number;

  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  /** A connection of this node is open. */
  open(node: NodeIdentity): void {
    this.#of(node.name).connections += 1;
    this.#gone.delete(node.name);
  }

  close(node: NodeIdentity): void {
    const accounts = this.#of(node.name);
    accounts.connections -= 1;
    if (accounts.connections === 0) {
      accounts.goneAt = this.#now();
      this.#gone.set(node.name, accounts);
    }
    this.#foldDeparted();
  }

  /** The account of a node's objects at a sink; ask for it again whenever the node may have left meanwhile. */
  of(node: NodeIdentity, sink: string): SinkAccount {
    return accountAt(this.#of(node.name), sink);
  }

  /** The same for a best-effort sink, which may settle objects long after the node has left; no node: `departed`. */
  objectsOf(node: NodeIdentity | undefined, sink: string): ObjectAccount {
    const account = () => accountAt(this.#of(node?.name ?? departed), sink);
    return {
      received: (objects, bytes) => {
        const counts = account();
        counts.received += objects;
        counts.batches += 1;
        counts.bytes += bytes;
      },
      written: (objects) => {
        account().written += objects;
      },
      dropped: (reason, objects) => countDropped(account(), reason, objects),
    };
  }

  /** Counts objects that will never be safe as dropped; returns how many. */
  drop(account: SinkAccount, dropped: Dropped): number {
    let sum = 0;
    for (const [reason, objects] of Object.entries(dropped)) {
      countDropped(account, reason as DropReason, objects);
      sum += objects;
    }
    return sum;
  }

  /** Every account: node name (`departed` for those long gone), sink name, counts. */
  *entries(): Generator<readonly [node: string, sink: string, account: Readonly<SinkAccount>]> {
    this.#foldDeparted();
    for (const [name, { bySink }] of this.#nodes) {
      for (const [sink, account] of bySink) yield [name, sink, account];
    }
  }

  /** Sums over nodes, by sink. */
  bySink(): ReadonlyMap<string, Readonly<SinkAccount>> {
    const sums = new Map<string, SinkAccount>();
    for (const [, sink, account] of this.entries()) {
      const sum = sums.get(sink) ?? emptyAccount();
      add(sum, account);
      sums.set(sink, sum);
    }
    return sums;
  }

  /** Sums over nodes and sinks. */
  total(): { received: number; written: number; dropped: number } {
    const total = { received: 0, written: 0, dropped: 0 };
    for (const [, , account] of this.entries()) {
      total.received += account.received;
      total.written += account.written;
      total.dropped += droppedOf(account);
    }
    return total;
  }

  #of(name: string): NodeAccounts {
    let accounts = this.#nodes.get(name);
    if (accounts === undefined) {
      accounts = { connections: 0, goneAt: this.#now(), bySink: new Map() };
      this.#nodes.set(name, accounts);
      if (name !== departed) this.#gone.set(name, accounts);
    }
    return accounts;
  }

  #foldDeparted(): void {
    const before = this.#now() - keptAfterLeavingMs;
    for (const [name, accounts] of [...first(this.#gone, looksAtOnce)]) {
      if (this.#gone.size <= mostGone && accounts.goneAt > before) break;
      this.#gone.delete(name);
      if ([...accounts.bySink.values()].some(isUnsettled)) {
        // Its turn comes again when all others were checked.
        this.#gone.set(name, accounts);
        continue;
      }
      this.#nodes.delete(name);
      for (const [sink, account] of accounts.bySink) add(accountAt(this.#of(departed), sink), account);
    }
  }
}

function* first<Key, Value>(map: ReadonlyMap<Key, Value>, count: number): Generator<[Key, Value]> {
  let left = count;
  for (const entry of map) {
    if (left === 0) return;
    left -= 1;
    yield entry;
  }
}

function accountAt({ bySink }: NodeAccounts, sink: string): SinkAccount {
  let account = bySink.get(sink);
  if (account === undefined) {
    account = emptyAccount();
    bySink.set(sink, account);
  }
  return account;
}

function emptyAccount(): SinkAccount {
  return { received: 0, written: 0, batches: 0, bytes: 0, dropped: new Map() };
}

function add(sum: SinkAccount, account: SinkAccount): void {
  sum.received += account.received;
  sum.written += account.written;
  sum.batches += account.batches;
  sum.bytes += account.bytes;
  for (const [reason, count] of account.dropped) countDropped(sum, reason, count);
}

function countDropped(account: SinkAccount, reason: DropReason, count: number): void {
  account.dropped.set(reason, (account.dropped.get(reason) ?? 0) + count);
}

/** For all reasons. */
export function droppedOf({ dropped }: Readonly<SinkAccount>): number {
  let sum = 0;
  for (const count of dropped.values()) sum += count;
  return sum;
}

function isUnsettled(account: SinkAccount): boolean {
  return account.received > account.written + droppedOf(account);
}
