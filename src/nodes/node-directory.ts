import type { NodeIdentity } from "./identity.js";
import { type WantedNames, wantedNames, withSuffix } from "./names.js";

/** Slugs that are routes of our own. */
const reservedSlugs = new Set(["metrics", "targets", "livez", "readyz", "healthz", "static"]);

/** One who holds names: a session. */
export interface NameHolder {
  readonly connectionId: string;
  /** Resolves whether the peer still answers. */
  isAlive(): Promise<boolean>;
  /** Ends the connection; resolves when it is gone. */
  close(reason: string): Promise<void>;
}

/**
 * Who is connected, and under which names. The first connection of a name keeps it; a later one gets its
 * connection id appended, unless the first turns out to be dead: then that is closed and the later one takes over,
 * so that a half-open connection does not split a node's log.
 */
export class NodeDirectory<Holder extends NameHolder = NameHolder> {
  readonly #entries = new Map<Holder, NodeIdentity>();

  /** Gives `holder` its names; settles once they are its own. `rawName` is undefined where the node has none. */
  async claim(holder: Holder, rawName: string | undefined): Promise<NodeIdentity> {
    const wanted = wantedNames(rawName, holder.connectionId);
    if (reservedSlugs.has(wanted.slug)) return this.#takeSuffixed(holder, wanted);
    for (;;) {
      const others = this.#holdersOf(wanted);
      if (others.length === 0) return this.#take(holder, wanted);
      const alive = await Promise.all(others.map((other) => other.isAlive()));
      const dead = others.filter((_, index) => !alive[index]);
      await Promise.all(
        dead.map((other) => other.close(`replaced by ${holder.connectionId}, which has the same name`)),
      );
      for (const other of dead) this.release(other);
      if (dead.length < others.length) return this.#takeSuffixed(holder, wanted);
    }
  }

  release(holder: Holder): void {
    this.#entries.delete(holder);
  }

  /** Those whose names are known, in the order they came. */
  connected(): Iterable<[Holder, NodeIdentity]> {
    return this.#entries.entries();
  }

  #takeSuffixed(holder: Holder, wanted: WantedNames): NodeIdentity {
    let names = withSuffix(wanted, holder.connectionId);
    for (let n = 2; this.#holdersOf(names).length > 0; n += 1) {
      names = withSuffix(wanted, `${holder.connectionId}_${n}`);
    }
    return this.#take(holder, names);
  }

  #take(holder: Holder, names: WantedNames): NodeIdentity {
    const identity = { connectionId: holder.connectionId, ...names };
    this.#entries.set(holder, identity);
    return identity;
  }

  #holdersOf(names: WantedNames): Holder[] {
    const holders: Holder[] = [];
    for (const [holder, identity] of this.#entries) {
      if (identity.directory === names.directory || identity.slug === names.slug) holders.push(holder);
    }
    return holders;
  }
}
