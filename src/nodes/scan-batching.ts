/** Size for which batches have memory; larger pieces hardly make an object cheaper. */
const mostBytes = 256 * 1_024;
/** A piece of this size is scanned by itself, so that the remaining room is known soon. */
const enoughBytes = 64 * 1_024;

/** The node whose bytes wait to be scanned. */
export interface Scannable {
  scan(): void;
}

/**
 * Scans consecutive small pieces from one node together: TLS passes on 16 KiB at a time, however
 * much waits, and one batch for each would double the total cost. The event loop reads a socket until it is
 * empty before it reads another, so only one node's pieces wait: until another node's arrive, or the turn ends.
 */
export class ScanBatching {
  #waiting: Scannable | undefined;
  #bytes = 0;
  #endOfTurn: NodeJS.Immediate | undefined;

  /**
   * This many bytes are about to arrive from this node; returns whether they will wait, or are to be scanned when they
   * arrive.
   */
  begin(node: Scannable, bytes: number): boolean {
    if (this.#waiting !== node || this.#bytes + bytes > mostBytes) this.#scan();
    if (bytes >= enoughBytes) return false;
    this.#waiting = node;
    this.#bytes += bytes;
    this.#endOfTurn ??= setImmediate(() => {
      this.#endOfTurn = undefined;
      this.#scan();
    });
    return true;
  }

  #scan(): void {
    const node = this.#waiting;
    this.#waiting = undefined;
    this.#bytes = 0;
    node?.scan();
  }
}
