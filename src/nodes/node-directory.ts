import type { NodeIdentity } from "./identity.js";
import { type RequestedNames, requestedNames, withSlugSuffix, withSuffix } from "./names.js";

/** Slugs that are routes of our own at the ports where nodes have theirs. */
const reservedSlugs: ReadonlySet<string> = new Set(["healthz", "livez", "metrics", "readyz", "targets"]);

/** A holder of names: a session. */
export interface NameHolder {
  readonly connectionId: string;
  /** The peer's address, which it cannot choose. */
  readonly address: string;
  /** Resolves whether the peer still answers. */
  isAlive(): Promise<boolean>;
  /** Makes sure that the connection ends if its peer is silent from now on. */
  suspect(): void;
  /** Ends the connection; resolves when it is gone. */
  close(reason: string): Promise<void>;
}

/** Names that were not available: they belong to another node or are one of our routes. */
export interface Clash {
  readonly wanted: RequestedNames;
  /** All names have a suffix, or the slug alone. */
  readonly of: "directory" | "slug";
  /** The other node; undefined if the slug is a route of our own, or another tracer writes there. */
  readonly holder: NodeIdentity | undefined;
  /** Another tracer that writes in the directory, in words. */
  readonly tracer?: string;
}

/** Whether a directory is this tracer's until `release` is called, or which other one writes there, in words. */
export type ClaimedDirectory = { release(): void } | { readonly tracer: string };

interface Entry {
  readonly identity: NodeIdentity;
  readonly clash: Clash | undefined;
  /** Leaves the directory to other tracers. */
  readonly release?: () => void;
}

/** This many names are tried if other tracers write in their directories; with the last one lines wait. */
const mostTries = 10;

/**
 * Who is connected, and under which names. The first connection of a name keeps it; a later one gets its connection id
 * appended. If both come from the same address and the first turns out to be dead, that is closed and the later one
 * takes over, so that a half-open connection does not split a node's log. From another address the later one could be
 * anybody.
 */
export class NodeDirectory<Holder extends NameHolder = NameHolder> {
  readonly #entries = new Map<Holder, Entry>();
  /** The same by their names: thousands may connect at the same time. */
  readonly #byDirectory = new HoldersByName<Holder>();
  readonly #bySlug = new HoldersByName<Holder>();
  #isStopping = false;
  readonly #claimDirectory: ((directory: string) => Promise<ClaimedDirectory>) | undefined;

  /** Without `claimDirectory` there are no other tracers. */
  constructor(claimDirectory?: (directory: string) => Promise<ClaimedDirectory>) {
    this.#claimDirectory = claimDirectory;
  }

  /** Gives `holder` its names; settles once they are its own. `rawName` is undefined if the node has none. */
  async claim(holder: Holder, rawName: string | undefined): Promise<NodeIdentity> {
    const wanted = requestedNames(rawName, holder.connectionId);
    const identity = await this.#claimHere(holder, wanted);
    return this.#claimDirectory === undefined ? identity : this.#claimAmongTracers(holder, wanted, identity);
  }

  /** Among the nodes of this tracer. */
  async #claimHere(holder: Holder, wanted: RequestedNames): Promise<NodeIdentity> {
    for (;;) {
      const others = this.#holdersOf(wanted.directory);
      const [first] = others;
      if (first === undefined) return this.#takePlain(holder, wanted);
      const dead = await this.#deadOf(others, holder);
      await Promise.all(
        dead.map((other) => other.close(`replaced by ${holder.connectionId}, which has the same name`)),
      );
      for (const other of dead) this.release(other);
      if (dead.length < others.length) return this.#takeSuffixed(holder, wanted);
    }
  }

  /** No other node here has these names; if another tracer writes in the directory they get a suffix. */
  async #claimAmongTracers(
    holder: Holder,
    wanted: RequestedNames,
    first: NodeIdentity,
  ): Promise<NodeIdentity> {
    const foreign = new Set<string>();
    let identity = first;
    while (foreign.size < mostTries) {
      const claimed = await this.#claimDirectory!(identity.directory);
      const entry = this.#entries.get(holder);
      if ("release" in claimed) {
        const release = () => claimed.release();
        // It may have left meanwhile.
        if (entry === undefined) release();
        else this.#entries.set(holder, { ...entry, release });
        return identity;
      }
      if (entry === undefined) return identity;
      foreign.add(identity.directory);
      identity = this.#takeSuffixed(holder, wanted, { foreign, tracer: claimed.tracer });
    }
    return identity;
  }

  release(holder: Holder): void {
    const entry = this.#entries.get(holder);
    if (entry === undefined) return;
    entry.release?.();
    this.#forget(holder, entry);
  }

  /** Whether a node that is connected has this directory. */
  hasDirectory(directory: string): boolean {
    return this.#holdersOf(directory).length > 0;
  }

  /** From now on no connection is replaced: stopping ones do not answer. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Undefined if its name is not known yet. */
  identityOf(holder: Holder): NodeIdentity | undefined {
    return this.#entries.get(holder)?.identity;
  }

  /** Those whose names are known, in the order they connected. */
  *connected(): Generator<readonly [Holder, NodeIdentity, Clash | undefined]> {
    for (const [holder, { identity, clash }] of this.#entries) yield [holder, identity, clash];
  }

  /** The node with this slug. */
  bySlug(slug: string): readonly [Holder, NodeIdentity, Clash | undefined] | undefined {
    const [holder] = this.#bySlug.of(slug);
    const entry = holder && this.#entries.get(holder);
    return entry && [holder!, entry.identity, entry.clash];
  }

  clashOf(holder: Holder): Clash | undefined {
    return this.#entries.get(holder)?.clash;
  }

  async #deadOf(others: readonly Holder[], newcomer: Holder): Promise<Holder[]> {
    const alive = await Promise.all(
      others.map(async (other) => {
        if (this.#isStopping) return true;
        if (other.address === newcomer.address) return other.isAlive();
        other.suspect();
        return true;
      }),
    );
    return this.#isStopping ? [] : others.filter((_, index) => !alive[index]);
  }

  /** The names as requested, if no other node and no route of ours has the slug. */
  #takePlain(holder: Holder, wanted: RequestedNames): NodeIdentity {
    if (!this.#isSlugTaken(wanted.slug)) return this.#take(holder, wanted, undefined);
    const clash: Clash = { wanted, of: "slug", holder: this.#holderOfSlug(wanted.slug) };
    return this.#take(holder, this.#withFreeSlug(wanted, holder.connectionId), clash);
  }

  #takeSuffixed(
    holder: Holder,
    wanted: RequestedNames,
    others?: { readonly foreign: ReadonlySet<string>; readonly tracer: string },
  ): NodeIdentity {
    const isTaken = ({ directory }: RequestedNames) =>
      this.hasDirectory(directory) || others?.foreign.has(directory) === true;
    const [first] = this.#holdersOf(wanted.directory);
    const clash: Clash = {
      wanted,
      of: "directory",
      holder: first === undefined || first === holder ? undefined : this.#entries.get(first)?.identity,
      ...(others !== undefined && { tracer: others.tracer }),
    };
    let names = withSuffix(wanted, holder.connectionId);
    for (let n = 2; isTaken(names); n += 1) {
      names = withSuffix(wanted, `${holder.connectionId}_${n}`);
    }
    return this.#take(holder, this.#withFreeSlug(names, holder.connectionId), clash);
  }

  #withFreeSlug(names: RequestedNames, suffix: string): RequestedNames {
    let free = names;
    for (let n = 1; this.#isSlugTaken(free.slug); n += 1) {
      free = withSlugSuffix(names, n === 1 ? suffix : `${suffix}-${n}`);
    }
    return free;
  }

  #take(holder: Holder, names: RequestedNames, clash: Clash | undefined): NodeIdentity {
    const identity = { connectionId: holder.connectionId, ...names };
    const former = this.#entries.get(holder);
    if (former !== undefined) this.#forget(holder, former);
    this.#entries.set(holder, { identity, clash });
    this.#byDirectory.add(names.directory, holder);
    this.#bySlug.add(names.slug, holder);
    return identity;
  }

  #forget(holder: Holder, { identity }: Entry): void {
    this.#entries.delete(holder);
    this.#byDirectory.delete(identity.directory, holder);
    this.#bySlug.delete(identity.slug, holder);
  }

  #holdersOf(directory: string): Holder[] {
    return [...this.#byDirectory.of(directory)];
  }

  #isSlugTaken(slug: string): boolean {
    return reservedSlugs.has(slug) || this.#holderOfSlug(slug) !== undefined;
  }

  #holderOfSlug(slug: string): NodeIdentity | undefined {
    return this.bySlug(slug)?.[1];
  }
}

/** Which node has which name; in between two may have the same. */
class HoldersByName<Holder> {
  readonly #holders = new Map<string, Set<Holder>>();

  of(name: string): Iterable<Holder> {
    return this.#holders.get(name) ?? [];
  }

  add(name: string, holder: Holder): void {
    const holders = this.#holders.get(name) ?? new Set();
    this.#holders.set(name, holders.add(holder));
  }

  delete(name: string, holder: Holder): void {
    const holders = this.#holders.get(name);
    holders?.delete(holder);
    if (holders?.size === 0) this.#holders.delete(name);
  }
}
