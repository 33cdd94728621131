/** Frames of all WebSockets in one turn of the event loop, some milliseconds of work. Well-behaved programs send few and large ones. */
const mostInTurn = 10_000;
/** Up to this many frames in one read, a WebSocket need not wait behind others. */
const few = 100;
/** How many WebSockets with many short frames are read in one turn: each may receive as many frames as fit into 256 KiB. */
const mostReadInTurn = 2;

/** A WebSocket that is being read. */
export interface FrameReader {
  /** Nothing more is read until `resumeReading`. */
  pauseReading(): void;
  resumeReading(): void;
}

/**
 * Makes WebSockets with many short frames take turns: otherwise a million pings would delay everything else. After enough
 * frames in one turn of the event loop nothing more is read in it; in the next turn the others come first.
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

  /** This many frames arrived in one read. */
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

/** Shared by all WebSockets, because there is one event loop. */
export const frameTurns = new FrameTurns();
