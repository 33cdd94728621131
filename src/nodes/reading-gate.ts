import type { ReadingNode, ReadingTurns } from "./reading-turns.js";

/** Bytes read without becoming a batch are work in this turn; after this many, others come first. */
const muchWorkBytes = 64 * 1_024;

export interface ReadingGateOptions {
  readonly turns: ReadingTurns;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Whether one connection is read: not while its node holds enough, and not before its turn. */
export class ReadingGate implements ReadingNode {
  readonly #options: ReadingGateOptions;
  #isFull = false;
  #isPaused = false;
  #workBytes = 0;
  #hasEnded = false;

  constructor(options: ReadingGateOptions) {
    this.#options = options;
    options.turns.join(this);
  }

  /** Whether arriving bytes are left unread. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the node holds as much as it may. */
  set isFull(isFull: boolean) {
    this.#isFull = isFull;
    this.#update();
  }

  /** A batch of this many bytes is on its way; call the returned function when it has arrived. */
  begin(bytes: number): () => void {
    const { turns } = this.#options;
    const passage = turns.begin(bytes);
    if (turns.areNeeded && !this.#hasEnded) turns.wait(this);
    return () => turns.end(passage);
  }

  /** What was read took this long, and this many bytes of it became no batch (answers and unfinished objects). */
  worked(milliseconds: number, bytes: number): void {
    const { turns } = this.#options;
    turns.worked(milliseconds);
    if (this.#hasEnded) return;
    this.#workBytes += bytes;
    if (this.#workBytes < muchWorkBytes) return;
    this.#workBytes = 0;
    turns.wait(this);
    this.#update();
  }

  turnChanged(): void {
    this.#update();
  }

  /** The connection is gone. */
  end(): void {
    this.#hasEnded = true;
    this.#options.turns.leave(this);
  }

  #update(): void {
    const { turns, pause, resume } = this.#options;
    const isPaused = this.#isFull || turns.holds(this);
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) pause();
    else resume();
  }
}
