/** What can be wrong with a line, or with its absence. */
export const defects = ["lost", "doubled", "disordered", "torn", "foreign"] as const;
export type Defect = (typeof defects)[number];

/** Where a defect was noticed: the line itself, or for a loss the line before which the lost ones should be. */
export interface Place {
  readonly defect: Defect;
  readonly file: string;
  /** From 1. For a loss at the end, one more than the number of lines. */
  readonly line: number;
  /** For a loss: the number of the first sent object, and how many in a row. See `SentNode.firstNumber`. */
  readonly sent?: { readonly first: number; readonly count: number };
}

/** The result of comparing one node's log with what it sent. */
export interface Findings {
  /** Objects sent. */
  readonly sent: number;
  /** Lines found, without the empty first line of cardano-tracer's files. */
  readonly found: number;
  /** Sent objects that are missing from the log. */
  readonly lost: number;
  /** Lines that repeat an object that was sent fewer times. */
  readonly doubled: number;
  /** The smallest number of lines that must be moved to restore the order. */
  readonly disordered: number;
  /** Lines that were not sent and are not complete JSON. */
  readonly torn: number;
  /** Whole lines that were not sent. */
  readonly foreign: number;
  /** The first places of each defect. */
  readonly places: readonly Place[];
}

/** Keeps the first places of each defect. */
export class Places {
  readonly #limit: number;
  /** The number of the object with index 0. */
  readonly #firstNumber: number;
  readonly #kept: Place[] = [];

  constructor(limit: number, firstNumber: number) {
    this.#limit = limit;
    this.#firstNumber = firstNumber;
  }

  add(place: Place): void {
    if (this.#kept.filter((kept) => kept.defect === place.defect).length < this.#limit)
      this.#kept.push(place);
  }

  /** Adds the loss of one object; if it follows the last loss at the same line, the two are joined. */
  addLoss(index: number, at: { file: string; line: number }, count = 1): void {
    const first = this.#firstNumber + index;
    const last = this.#kept.findLast((kept) => kept.defect === "lost");
    const continues =
      last?.sent !== undefined &&
      last.file === at.file &&
      last.line === at.line &&
      last.sent.first + last.sent.count === first;
    if (!continues) {
      this.add({ defect: "lost", ...at, sent: { first, count } });
      return;
    }
    const sent = { first: last.sent.first, count: last.sent.count + count };
    this.#kept[this.#kept.lastIndexOf(last)] = { ...last, sent };
  }

  list(): Place[] {
    return [...this.#kept];
  }
}
