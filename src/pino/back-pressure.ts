import type { Forwarder } from "../forwarder/library/entry.js";
import { longestHuman } from "./line-trace.js";

/** How often to check what the tracer has accepted, in milliseconds. */
const pollMs = 5;
/** If a tracer accepts nothing for this long, lines do not wait for it until it accepts something again. */
const stallMs = 1_000;

/** Most characters that a message has in addition to those of its line, and of its text, which it may contain twice. */
const otherCharacters = 1_024;

export interface BackPressureOptions {
  readonly forwarder: Pick<Forwarder, "stats">;
  /** Most messages in the forwarder's queue before the program's lines wait. */
  readonly most: number;
  /** Most characters in the forwarder's queue. */
  readonly mostCharacters: number;
}

/**
 * Makes a program's lines wait for a slow tracer, so that a burst is not dropped. If the tracer is away or stalls, they wait for it
 * only once and briefly; then the forwarder's queue drops the oldest messages.
 */
export class BackPressure {
  readonly #options: BackPressureOptions;
  /** How many messages had been sent when lines last stopped waiting for the tracer. */
  #stalledAt: number | undefined;
  /** What was queued at the last check, plus what was added since: an upper bound. */
  #messages = 0;
  #characters = 0;

  constructor(options: BackPressureOptions) {
    this.#options = options;
  }

  /** Called before each line, with its length; returns what the line should wait for, if anything. */
  roomFor(lineLength: number): Promise<void> | undefined {
    const characters = lineLength + Math.min(lineLength, longestHuman) + otherCharacters;
    if (this.#hasRoom(characters, 1)) return this.#add(characters);
    const { sent } = this.#check();
    if (this.#hasRoom(characters, 1) || sent === this.#stalledAt) return this.#add(characters);
    return this.#waitForRoom(characters);
  }

  #add(characters: number): undefined {
    this.#messages += 1;
    this.#characters += characters;
  }

  /** Resolves when half of the room is free, or the tracer stalls. */
  async #waitForRoom(characters: number): Promise<void> {
    let { sent: sentBefore } = this.#check();
    let since = performance.now();
    while (!this.#hasRoom(characters, 0.5)) {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      const { sent } = this.#check();
      if (sent !== sentBefore) {
        sentBefore = sent;
        since = performance.now();
      } else if (performance.now() - since >= stallMs) {
        this.#stalledAt = sent;
        break;
      }
    }
    this.#add(characters);
  }

  /** A line that is larger than the whole queue has it to itself. */
  #hasRoom(characters: number, share: number): boolean {
    if (this.#messages === 0) return true;
    const { most, mostCharacters } = this.#options;
    return this.#messages < share * most && this.#characters + characters <= share * mostCharacters;
  }

  #check(): ReturnType<Forwarder["stats"]> {
    const stats = this.#options.forwarder.stats();
    this.#messages = stats.queued;
    this.#characters = stats.queuedCharacters;
    return stats;
  }

  /** Resolves when the tracer has accepted everything queued, or after this many milliseconds. */
  async flushed(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (this.#options.forwarder.stats().queued > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
