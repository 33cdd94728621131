/** Frames of all WebSockets in one turn of the event loop, some milliseconds of work. Those of programs that mean well are large, and few. */
const mostInTurn = 10_000;
/** Frames of one read that are no cause to wait. */
const few = 100;
/** Of those that wait so many are read again in the next turn: each may bring as many frames as 256 KiB hold. */
const mostReadAgain = 2;

/** A WebSocket whose peer sends many short frames. */
export interface FrameReader {
  /** It may be read again. */
  readOn(): void;
}

/** Has WebSockets with many short frames read in turn: a million pings would hold up all others. */
export class FrameTurns {
  readonly #waiting = new Set<FrameReader>();
  #frames = 0;
  #nextTurn: NodeJS.Immediate | undefined;

  /** So many frames have come in one read; returns whether the reader has to wait for `readOn`. */
  took(reader: FrameReader, frames: number): boolean {
    this.#frames += frames;
    this.#nextTurn ??= setImmediate(() => this.#begin());
    if (this.#frames < mostInTurn || frames < few) return false;
    this.#waiting.add(reader);
    return true;
  }

  /** It is closed, and waits no more. */
  leave(reader: FrameReader): void {
    this.#waiting.delete(reader);
  }

  #begin(): void {
    this.#frames = 0;
    this.#nextTurn = undefined;
    let left = mostReadAgain;
    for (const reader of this.#waiting) {
      if (left === 0) break;
      left -= 1;
      this.#waiting.delete(reader);
      reader.readOn();
    }
    if (this.#waiting.size > 0) this.#nextTurn = setImmediate(() => this.#begin());
  }
}

/** There is one event loop, so all WebSockets share it. */
export const frameTurns = new FrameTurns();
