import { ReadingPatience } from "./reading-patience.js";

/** Bytes on their way to files, beyond which nodes are read in turn: more would not stay in the processor's caches. */
const enoughBytes = 2 * 1_024 * 1_024;
/**
 * This much arrives only when dozens of nodes have something at the same time: then the rest of them wait, too. All of it
 * is read in one turn of the event loop, for which everything else has to wait.
 */
const tooManyBytes = 4 * enoughBytes;
/** Most bytes of a node in its turn: about what its socket holds. */
const bytesOfTurn = 256 * 1_024;
/**
 * Work on what nodes sent in one turn of the event loop, after which the remaining nodes wait for the next turn. Bytes
 * differ a hundredfold in cost, so time is measured.
 */
const muchWorkMs = 20;
/** Up to this much need not all have been in one turn: to notice its end costs more than a short batch. */
const littleWorkMs = 5;

/** A node that is read, or waits for its turn. */
export interface ReadingNode {
  /** Its turn has come, or it must wait for one: see `holds`. */
  turnChanged(): void;
}

/** A batch on its way. */
export interface Passage {
  readonly bytes: number;
  readonly among: Newcomers;
}

/** Batches that began between two looks. */
interface Newcomers {
  /** When they were first checked. Before that the event loop was busy, and none of them could end. */
  seenAt?: number;
}

/**
 * Decides which node is read next if they have more than can be written at once. Unread bytes wait in the
 * kernel and arrive in larger pieces later; bytes read before they can be written wait in memory that no cache
 * holds by the time they are written.
 */
export class ReadingTurns {
  /** Batches that take longer no longer count: a stalled disk holds up its own nodes only. */
  readonly #patience = new ReadingPatience();
  /** In the order they began; those that take too long are left out. */
  readonly #passages = new Set<Passage>();
  #passingBytes = 0;
  #newcomers: Newcomers = {};
  /** In the order of their turns. */
  readonly #waiting = new Set<ReadingNode>();
  readonly #all = new Set<ReadingNode>();
  /** In this turn of the event loop. */
  #workMs = 0;
  #turn: NodeJS.Immediate | undefined;
  #look: NodeJS.Immediate | undefined;
  #lookLater: NodeJS.Timeout | undefined;

  /** From now on the node may have to wait, until it leaves. */
  join(node: ReadingNode): void {
    this.#all.add(node);
  }

  /** This many bytes are on their way from now on, until `end`. */
  begin(bytes: number): Passage {
    const passage = { bytes, among: this.#newcomers };
    this.#passages.add(passage);
    this.#passingBytes += bytes;
    if (this.#passingBytes > tooManyBytes) this.#holdAll();
    return passage;
  }

  /** Time spent on a node's bytes. */
  worked(milliseconds: number): void {
    this.#workMs += milliseconds;
    if (this.#workMs <= littleWorkMs) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#workMs = 0;
    });
    if (this.#workMs > muchWorkMs) this.#holdAll();
  }

  end(passage: Passage): void {
    this.#forget(passage);
    const { seenAt } = passage.among;
    if (seenAt !== undefined) this.#patience.ended(performance.now() - seenAt);
    if (this.#waiting.size > 0) this.#lookSoon();
  }

  /** Whether a node that was read now should wait, so that others have their turns. */
  get areNeeded(): boolean {
    return this.#waiting.size > 0 || this.#passingBytes > enoughBytes;
  }

  /** The node is held until its turn has come. */
  wait(node: ReadingNode): void {
    this.#waiting.add(node);
    this.#lookSoon();
  }

  /** Whether the node's turn has not come yet. */
  holds(node: ReadingNode): boolean {
    return this.#waiting.has(node);
  }

  /** The node is gone. */
  leave(node: ReadingNode): void {
    this.#all.delete(node);
    this.#waiting.delete(node);
  }

  /** Those not read yet are first. Some may have nothing to read: their turns are soon over. */
  #holdAll(): void {
    if (this.#waiting.size === this.#all.size) return;
    const read = [...this.#waiting];
    const unread = [...this.#all].filter((node) => !this.holds(node));
    this.#waiting.clear();
    for (const node of [...unread, ...read]) this.wait(node);
    for (const node of unread) node.turnChanged();
  }

  #forget(passage: Passage): void {
    if (this.#passages.delete(passage)) this.#passingBytes -= passage.bytes;
  }

  /** After the event loop has read from all sockets: nothing more is expected from nodes called before. */
  #lookSoon(): void {
    this.#look ??= setImmediate(() => {
      this.#look = undefined;
      this.#call();
    });
  }

  #call(): void {
    clearTimeout(this.#lookLater);
    this.#forgetOld();
    let room = enoughBytes - this.#passingBytes;
    const hasRoom = room > 0;
    for (const node of this.#waiting) {
      if (room <= 0) break;
      room -= bytesOfTurn;
      this.#waiting.delete(node);
      node.turnChanged();
    }
    if (this.#waiting.size === 0) return;
    if (hasRoom) this.#lookSoon();
    else this.#lookLater = setTimeout(() => this.#call(), this.#patience.milliseconds);
  }

  #forgetOld(): void {
    const now = performance.now();
    this.#newcomers.seenAt = now;
    this.#newcomers = {};
    for (const passage of this.#passages) {
      if (now - passage.among.seenAt! < this.#patience.milliseconds) return;
      this.#forget(passage);
    }
  }
}
