import { longestMs } from "../fields/quantities.js";

/** What clients can change until the next start. */
export class Pruning {
  readonly #prune: () => void;
  #retentionMs: number;
  #periodMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `prune` is called each period, and after each change. */
  constructor(options: { retentionMs: number; periodMs: number; prune: () => void }) {
    this.#retentionMs = options.retentionMs;
    this.#periodMs = options.periodMs;
    this.#prune = options.prune;
    this.#arm();
  }

  /** How long points are kept. */
  get retentionMs(): number {
    return this.#retentionMs;
  }

  /** Undefined if nothing is pruned automatically. */
  get periodMs(): number | undefined {
    return this.#periodMs;
  }

  setRetention(milliseconds: number): void {
    this.#retentionMs = milliseconds;
    this.#prune();
    this.#arm();
  }

  setPeriod(milliseconds: number | undefined): void {
    this.#periodMs = milliseconds;
    this.#prune();
    this.#arm();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #arm(): void {
    clearInterval(this.#timer);
    if (this.#periodMs === undefined) return;
    this.#timer = setInterval(this.#prune, Math.min(this.#periodMs, longestMs)).unref();
  }
}
