/** How long one line represents all of its kind, in milliseconds. */
const usualPeriodMs = 60_000;
/** Most kinds and addresses with their own periods: peers choose their addresses, so the memory must be bounded. */
const maxKeys = 1_024;
/** Most lines of one kind written at once in a period, for all addresses together; the rest wait for its end. */
const maxLines = 1_024;

/** Writes a line; `count` is the number of events it represents. */
type WriteLine = (count: number) => void;

/** A line that represents more than one event says so. */
export function times(count: number): string {
  return count === 1 ? "" : ` (the last of ${count} like it within a minute)`;
}

interface Period {
  /** Lines written at once. */
  written: number;
  /** Events since then. */
  unwritten: number;
  /** The line of the last of them. */
  write: WriteLine;
}

/**
 * Lines that a peer can cause as often as it likes: the first of each kind and address is written at once, and then one
 * a minute that says how many more there were.
 */
export class RateLimitedLines {
  readonly #periodMs: number;
  readonly #burst: number;
  readonly #periods = new Map<string, Period>();
  /** Lines of each kind that were written at once in its period. */
  readonly #linesOfKinds = new Map<string, number>();

  /** `burst` is how many events of a period get their own lines. */
  constructor(options: { readonly periodMs?: number; readonly burst?: number } = {}) {
    this.#periodMs = options.periodMs ?? usualPeriodMs;
    this.#burst = options.burst ?? 1;
  }

  /** Counts `events` of this kind and address; if there are too many addresses, new ones share one line. */
  say(kind: string, address: string, write: WriteLine, events = 1): void {
    const key = `${kind} ${address}`;
    const isNew = !this.#periods.has(key);
    this.#record(isNew && this.#periods.size >= maxKeys ? kind : key, kind, write, events);
  }

  #record(key: string, kind: string, write: WriteLine, events: number): void {
    let period = this.#periods.get(key);
    if (period === undefined) {
      period = { written: 0, unwritten: 0, write };
      this.#periods.set(key, period);
      this.#startPeriod(key);
    }
    if (period.written < this.#burst && this.#hasRoom(kind)) {
      period.written += 1;
      write(events);
    } else {
      period.unwritten += events;
      period.write = write;
    }
  }

  /** Uses up one line of the kind. */
  #hasRoom(kind: string): boolean {
    const lines = this.#linesOfKinds.get(kind);
    if (lines === undefined) setTimeout(() => this.#linesOfKinds.delete(kind), this.#periodMs).unref();
    if (lines !== undefined && lines >= maxLines) return false;
    this.#linesOfKinds.set(kind, (lines ?? 0) + 1);
    return true;
  }

  #startPeriod(key: string): void {
    setTimeout(() => this.#endPeriod(key), this.#periodMs).unref();
  }

  /** Ends a period; one without an event is forgotten. */
  #endPeriod(key: string): void {
    const period = this.#periods.get(key)!;
    if (period.unwritten === 0) {
      this.#periods.delete(key);
      return;
    }
    const { unwritten, write } = period;
    period.unwritten = 0;
    this.#startPeriod(key);
    write(unwritten);
  }
}
