import type { Forwarder } from "../forwarder/library/entry.js";
import { longestHuman } from "./line-trace.js";

/** How often to check whether the tracer has accepted what waits, in milliseconds. */
const lookMs = 5;
/** A tracer that accepts nothing for this long is not waited for, until it accepts something again. */
const stallMs = 1_000;

/** Characters that a message has at most in addition to those of its line, and of its text, which may be in it twice. */
const otherCharacters = 1_024;

export interface PatienceOptions {
  readonly forwarder: Pick<Forwarder, "stats">;
  /** Messages that may wait for the tracer before the program's lines do. */
  readonly most: number;
  /** Characters that the forwarder's queue holds. */
  readonly mostCharacters: number;
}

/**
 * Makes the lines of a program wait for a tracer that accepts what it can, so that a burst is not dropped. A tracer that is
 * away or stalls is waited for only once and briefly; then the forwarder's queue drops the oldest messages.
 */
export class Patience {
  readonly #options: PatienceOptions;
  /** Messages sent when the tracer was last given up. */
  #stalledAt: number | undefined;
  /** What waited at the last look, and what came since: there is no more now. */
  #messages = 0;
  #characters = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Called before each line, with its length: what it should wait for, if anything. */
  relief(lineLength: number): Promise<void> | undefined {
    const characters = lineLength + Math.min(lineLength, longestHuman) + otherCharacters;
    if (this.#hasRoom(characters, 1)) return this.#takes(characters);
    const { sent } = this.#look();
    if (this.#hasRoom(characters, 1) || sent === this.#stalledAt) return this.#takes(characters);
    return this.#waits(characters);
  }

  #takes(characters: number): undefined {
    this.#messages += 1;
    this.#characters += characters;
  }

  /** Resolves when half of the room is free, or the tracer stalls. */
  async #waits(characters: number): Promise<void> {
    let { sent: sentBefore } = this.#look();
    let since = performance.now();
    while (!this.#hasRoom(characters, 0.5)) {
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      const { sent } = this.#look();
      if (sent !== sentBefore) {
        sentBefore = sent;
        since = performance.now();
      } else if (performance.now() - since >= stallMs) {
        this.#stalledAt = sent;
        break;
      }
    }
    this.#takes(characters);
  }

  /** A line that is larger than all the room has it alone. */
  #hasRoom(characters: number, share: number): boolean {
    if (this.#messages === 0) return true;
    const { most, mostCharacters } = this.#options;
    return this.#messages < share * most && this.#characters + characters <= share * mostCharacters;
  }

  #look(): ReturnType<Forwarder["stats"]> {
    const stats = this.#options.forwarder.stats();
    this.#messages = stats.queued;
    this.#characters = stats.queuedCharacters;
    return stats;
  }

  /** Resolves when the tracer has accepted everything that waits, or after this many milliseconds. */
  async flushed(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (this.#options.forwarder.stats().queued > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
