/** Received bytes a node may always have unwritten: about one read from its socket. */
const leastPerNodeBytes = 64 * 1_024;
/** Received bytes of one node beyond which reading more gains nothing. */
const mostPerNodeBytes = 1_024 * 1_024;
/**
 * Share of the budget: if batches take more, nodes that hold some are not read. The rest is for those without, so that
 * nodes whose files are stalled do not stop the others; when all of it is taken, no node is read.
 */
const crowdedPart = 1 / 2;
/** Below this share all are read again; lower than the mark above, or reading would stop and start all the time. */
const easedPart = 7 / 8;
/** Share of the budget for the unfinished objects of all nodes. */
const unfinishedPart = 1 / 3;
/**
 * Memory of an object in the worst case, as a multiple of its length: its buffer doubles, and its lines take memory, too.
 */
const memoryPerObjectByte = 4;
/** Share of the budget that one node without a name may hold. */
const unnamedPart = 1 / 8;
/** The same for all such nodes together: if they hold more, each gets an equal part of this. */
const allUnnamedPart = 1 / 4;

/** A holder of some of the budget: a session. */
export interface BudgetMember {
  /** The free room has changed enough that the member may have to stop, or may continue. */
  roomChanged(): void;
  /** Unfinished objects take too much, and this member's is the largest: it must end. */
  evict(): void;
}

/**
 * The memory for trace objects of all nodes together: requested, arriving, and received but not yet safe. Each
 * node may always have one request; what it requests ahead is reserved here first.
 */
export class FlightBudget {
  readonly #maxBytes: number;
  readonly #maxUnfinishedBytes: number;
  /** Memory of each member's unfinished object. */
  readonly #members = new Map<BudgetMember, number>();
  #reservedBytes = 0;
  #heldBytes = 0;
  #unfinishedBytes = 0;
  /** Held by nodes without a name. */
  #unnamedBytes = 0;
  #isCrowded = false;
  #isFull = false;
  #hasManyUnnamed = false;

  /** One object of the most bytes is always possible, however small the budget is. */
  constructor(options: { maxInFlightBytes: number; maxObjectBytes?: number }) {
    const { maxInFlightBytes, maxObjectBytes = 0 } = options;
    this.#maxBytes = maxInFlightBytes;
    this.#maxUnfinishedBytes = Math.max(
      maxInFlightBytes * unfinishedPart,
      maxObjectBytes * memoryPerObjectByte,
    );
  }

  join(member: BudgetMember): void {
    this.#members.set(member, 0);
  }

  leave(member: BudgetMember): void {
    this.unfinished(member, 0);
    this.#members.delete(member);
  }

  /** Whether `bytes` more may be requested ahead. */
  allows(bytes: number): boolean {
    return this.#reservedBytes + this.#heldBytes + this.#unfinishedBytes + bytes <= this.#maxBytes;
  }

  /** A node's reservation changes by this much. */
  reserve(deltaBytes: number): void {
    this.#reservedBytes += deltaBytes;
  }

  /** The memory of batches that wait to become safe changes by this much. */
  hold(deltaBytes: number): void {
    this.#heldBytes += deltaBytes;
    this.#look();
  }

  /** The memory of batches of nodes without a name changes by this much; `hold` counts them, too. */
  holdUnnamed(deltaBytes: number): void {
    this.#unnamedBytes += deltaBytes;
    const many = isBeyond(this.#unnamedBytes, this.#maxBytes * allUnnamedPart, this.#hasManyUnnamed);
    if (many === this.#hasManyUnnamed) return;
    this.#hasManyUnnamed = many;
    this.#tellMembers();
  }

  /** The new size of this member's unfinished object. If all together are too large, the largest must end. */
  unfinished(member: BudgetMember, bytes: number): void {
    const before = this.#members.get(member);
    if (before === undefined || before === bytes) return;
    this.#members.set(member, bytes);
    this.#unfinishedBytes += bytes - before;
    if (bytes > before && this.#unfinishedBytes > this.#maxUnfinishedBytes) this.#largest()?.evict();
  }

  /** Whether a node that holds some of the budget, or none, is currently not read. */
  stops(holdsSome: boolean): boolean {
    return this.#isFull || (holdsSome && this.#isCrowded);
  }

  /** The same for a node without a name: what they hold is written late, so they leave the other half to named nodes. */
  stopsUnnamed(holdsSome: boolean): boolean {
    return this.stops(holdsSome) || this.#unnamedBytes >= this.#maxBytes * crowdedPart;
  }

  /** Unwritten bytes of one node beyond which its socket is not read: the same for each, in whatever order they ask. */
  get perNodeBytes(): number {
    const share = Math.floor(this.#maxBytes / Math.max(1, this.#members.size));
    return Math.max(leastPerNodeBytes, Math.min(mostPerNodeBytes, share));
  }

  /**
   * The same for a node without a name, for which nothing can be written yet: more, because its name may arrive after
   * them, unless many such nodes do that.
   */
  get perUnnamedBytes(): number {
    const usual = Math.max(this.perNodeBytes, this.#maxBytes * unnamedPart);
    if (!this.#hasManyUnnamed) return usual;
    const share = (this.#maxBytes * allUnnamedPart) / Math.max(1, this.#members.size);
    return Math.min(usual, Math.max(leastPerNodeBytes, share));
  }

  get reading(): { readonly reservedBytes: number; readonly heldBytes: number } {
    return { reservedBytes: this.#reservedBytes, heldBytes: this.#heldBytes + this.#unfinishedBytes };
  }

  /**
   * Notifies all members when the budget becomes crowded or full, and when it no longer is. Unfinished objects do not
   * count: they shrink only if their nodes are read.
   */
  #look(): void {
    const bytes = this.#heldBytes;
    const isCrowded = isBeyond(bytes, this.#maxBytes * crowdedPart, this.#isCrowded);
    const isFull = isBeyond(bytes, this.#maxBytes, this.#isFull);
    if (isCrowded === this.#isCrowded && isFull === this.#isFull) return;
    this.#isCrowded = isCrowded;
    this.#isFull = isFull;
    this.#tellMembers();
  }

  #tellMembers(): void {
    for (const member of [...this.#members.keys()]) member.roomChanged();
  }

  #largest(): BudgetMember | undefined {
    let largest: BudgetMember | undefined;
    let most = 0;
    for (const [member, bytes] of this.#members) {
      if (bytes <= most) continue;
      most = bytes;
      largest = member;
    }
    return largest;
  }
}

function isBeyond(bytes: number, mark: number, wasBeyond: boolean): boolean {
  return bytes >= (wasBeyond ? mark * easedPart : mark);
}
