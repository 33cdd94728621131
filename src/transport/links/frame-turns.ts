/** Frames of all WebSockets in one turn of the event loop, some milliseconds of work. Well-meaning programs send few and large ones. */
const mostInTurn = 10_000;
/** Frames of one read that are no reason to wait behind others. */
const few = 100;
/** Of those with many short frames, this many are read in one turn: each may bring as many as 256 KiB hold. */
const mostReadInTurn = 2;

/** A WebSocket that is read. */
export interface FrameReader {
  /** Nothing more is read until `resumeReading`. */
  pauseReading(): void;
  resumeReading(): void;
}

/**
 * Has WebSockets with many short frames read one after the other: a million pings would hold up everything else. Once there
 * were enough frames in one turn of the event loop, nothing more is read in it; in the next, the others come first.
 */
export class FrameTurns {
  readonly #open = new Set<FrameReader>();
  /** Paused, and sent few frames the last time. */
  readonly #light = new Set<FrameReader>();
  /** Paused, and sent many; in the order of their turns. */
  readonly #heavy = new Set<FrameReader>();
  #frames = 0;
  #nextTurn: NodeJS.Immediate | undefined;

  join(reader: FrameReader): void {
    this.#open.add(reader);
  }

  /** It is closed. */
  leave(reader: FrameReader): void {
    for (const readers of [this.#open, this.#light, this.#heavy]) readers.delete(reader);
  }

  /** This many frames came in one read. */
  took(reader: FrameReader, frames: number): void {
    this.#frames += frames;
    this.#nextTurn ??= setImmediate(() => this.#begin());
    if (this.#frames < mostInTurn) return;
    if (frames >= few) {
      this.#light.delete(reader);
      this.#heavy.add(reader);
    }
    for (const other of this.#open) {
      if (this.#heavy.has(other) && other !== reader) continue;
      if (!this.#heavy.has(other)) this.#light.add(other);
      other.pauseReading();
    }
  }

  #begin(): void {
    this.#frames = 0;
    this.#nextTurn = undefined;
    for (const reader of this.#light) reader.resumeReading();
    this.#light.clear();
    let left = mostReadInTurn;
    for (const reader of this.#heavy) {
      if (left === 0) break;
      left -= 1;
      this.#heavy.delete(reader);
      reader.resumeReading();
    }
    if (this.#heavy.size > 0) this.#nextTurn = setImmediate(() => this.#begin());
  }
}

/** There is one event loop, so all WebSockets share it. */
export const frameTurns = new FrameTurns();
