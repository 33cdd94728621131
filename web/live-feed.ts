import { signal } from "@preact/signals";
import type { LiveMessage, LiveObject } from "../src/sinks/live/live-messages.js";
import { Feed } from "./feed.js";
import { count } from "./format.js";
import { Ring } from "./ring.js";

/** Lines that the page keeps. */
const mostLines = 20_000;

/** An object, or a gap where some are missing. */
export type Line = LiveObject | { readonly gap: string };

/** Trace objects as they come. All that come within a frame change the page once. */
export class LiveFeed {
  readonly lines = new Ring<Line>(mostLines);
  /** Changes whenever lines have come. */
  readonly version = signal(0);
  readonly left = signal(0);
  readonly #feed: Feed;
  #frame = 0;

  constructor(parameters: URLSearchParams) {
    const query = parameters.toString();
    this.#feed = new Feed(`/api/live${query === "" ? "" : `?${query}`}`, (message) =>
      this.#take(message as LiveMessage),
    );
  }

  get state(): string {
    return this.#feed.state.value;
  }

  clear(): void {
    this.lines.clear();
    this.left.value = 0;
    this.version.value += 1;
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#feed.stop();
  }

  #take(message: LiveMessage): void {
    if ("objects" in message) for (const object of message.objects) this.lines.add(object);
    else {
      const [left, why] =
        "missed" in message
          ? [message.missed, "lines are left out: this page was too slow"]
          : [message.skipped, "objects were not looked at: the tracer was busy"];
      this.left.value += left;
      this.lines.add({ gap: `${count(left)} ${why}` });
    }
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.version.value += 1;
      });
  }
}
