/** Bytes on their way to files, beyond which nodes are read in turn: more would not stay in the processor's caches. */
const enoughBytes = 4 * 1_024 * 1_024;
/** What a node brings at most when its turn has come: about what its socket holds. */
const bytesOfTurn = 256 * 1_024;
/** Batches that take longer do not count any more: a disk that stands still holds up its own nodes only. */
const patienceMs = 25;

/** A node that is not read until its turn has come. */
export interface Waiting {
  /** Its turn has come. */
  readOn(): void;
}

/** A batch on its way. */
export interface Passage {
  readonly bytes: number;
  readonly begunAt: number;
}

/**
 * Who is read next, when more nodes have something than can be written at once. What is not read yet waits in the
 * kernel and comes in larger pieces later; what is read before it can be written waits in memory that no cache holds any
 * more when its time has come.
 */
export class ReadingTurns {
  /** In the order they began; those that take too long are left out. */
  readonly #passages = new Set<Passage>();
  #passingBytes = 0;
  /** In the order they came. */
  readonly #waiting = new Set<Waiting>();
  #look: NodeJS.Immediate | undefined;
  #lookLater: NodeJS.Timeout | undefined;

  /** So many bytes are on their way from now on, until `end`. */
  begin(bytes: number): Passage {
    const passage = { bytes, begunAt: performance.now() };
    this.#passages.add(passage);
    this.#passingBytes += bytes;
    return passage;
  }

  end(passage: Passage): void {
    this.#forget(passage);
    if (this.#waiting.size > 0) this.#lookSoon();
  }

  /** Whether a node that was read now should wait, so that others have their turns. */
  get areNeeded(): boolean {
    return this.#waiting.size > 0 || this.#passingBytes > enoughBytes;
  }

  /** The node's `readOn` is called when its turn has come. */
  wait(node: Waiting): void {
    this.#waiting.add(node);
    this.#lookSoon();
  }

  /** Whether the node's turn has not come yet. */
  holds(node: Waiting): boolean {
    return this.#waiting.has(node);
  }

  /** The node waits no longer: it is gone. */
  leave(node: Waiting): void {
    this.#waiting.delete(node);
  }

  #forget(passage: Passage): void {
    if (this.#passages.delete(passage)) this.#passingBytes -= passage.bytes;
  }

  /** After the event loop has read from all sockets: of whoever was called before, nothing more is to be expected then. */
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
      node.readOn();
    }
    if (this.#waiting.size === 0) return;
    if (hasRoom) this.#lookSoon();
    else this.#lookLater = setTimeout(() => this.#call(), patienceMs);
  }

  #forgetOld(): void {
    const longAgo = performance.now() - patienceMs;
    for (const passage of this.#passages) {
      if (passage.begunAt > longAgo) return;
      this.#forget(passage);
    }
  }
}
