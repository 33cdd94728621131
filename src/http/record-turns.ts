/** Pieces of all TLS clients in one turn of the event loop: some 10 ms of work. */
const mostInTurn = 2_500;

/** A TLS client that is being read. */
export interface RecordReader {
  /** Nothing more is read until `readOn`. */
  holdReading(): void;
  readOn(): void;
}

/**
 * Lets TLS clients take turns: a record of one byte costs as much as a long one, and hundreds of them arrive in one read. After
 * enough of them in one turn of the event loop nothing more is read in it.
 */
export class RecordTurns {
  readonly #readers = new Set<RecordReader>();
  #pieces = 0;

  join(reader: RecordReader): void {
    this.#readers.add(reader);
  }

  /** It is closed. */
  leave(reader: RecordReader): void {
    this.#readers.delete(reader);
  }

  /** A piece of any of them has arrived. */
  took(): void {
    if (this.#pieces === 0) setImmediate(this.#begin);
    this.#pieces += 1;
    if (this.#pieces === mostInTurn) for (const reader of this.#readers) reader.holdReading();
  }

  readonly #begin = (): void => {
    const wasOver = this.#pieces >= mostInTurn;
    this.#pieces = 0;
    if (wasOver) for (const reader of this.#readers) reader.readOn();
  };
}

/** Shared by all endpoints, because there is one event loop. */
export const recordTurns = new RecordTurns();
