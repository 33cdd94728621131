/** What batches have memory for; more at once hardly makes an object cheaper. */
const mostBytes = 256 * 1_024;
/** This much at once is scanned by itself: what it says about the room that is left should be known soon. */
const enoughBytes = 64 * 1_024;

/** The node whose bytes wait to be scanned. */
export interface Looker {
  look(): void;
}

/**
 * Has what comes of a node in many small pieces, one behind the other, looked at together: TLS hands on 16 KiB at a time, however
 * much waits, and a batch of its own for each of these costs as much again as all else. The event loop reads a socket until it is
 * empty before it reads another, so only the pieces of one node wait: until another node's come, or the turn is over.
 */
export class Looking {
  #waiting: Looker | undefined;
  #bytes = 0;
  #endOfTurn: NodeJS.Immediate | undefined;

  /**
   * This many bytes are about to come of this node; returns whether they will wait, or are to be looked at when they
   * have.
   */
  begin(node: Looker, bytes: number): boolean {
    if (this.#waiting !== node || this.#bytes + bytes > mostBytes) this.#look();
    if (bytes >= enoughBytes) return false;
    this.#waiting = node;
    this.#bytes += bytes;
    this.#endOfTurn ??= setImmediate(() => {
      this.#endOfTurn = undefined;
      this.#look();
    });
    return true;
  }

  #look(): void {
    const node = this.#waiting;
    this.#waiting = undefined;
    this.#bytes = 0;
    node?.look();
  }
}
