import { signal } from "@preact/signals";
import type { LiveMessage, LiveObject } from "../src/sinks/live/live-messages.js";
import { Feed } from "./feed.js";
import { Ring } from "./ring.js";

/** Most lines that the page keeps. */
const mostLines = 20_000;

/** An object, or how many are missing here. */
export type Line = LiveObject | { readonly gap: number; readonly why: string };

/** Trace objects as they arrive. However many arrive within a frame, the page is drawn once. */
export class LiveFeed {
  readonly lines = new Ring<Line>(mostLines);
  /** Changes when lines have arrived. */
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

  get isLive(): boolean {
    return this.#feed.isLive.value;
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

  /** Gaps that follow each other are one. */
  #addGap(left: number, why: string): void {
    const last = this.lines.at(this.lines.length - 1);
    if (last !== undefined && "gap" in last && last.why === why)
      this.lines.replaceLast({ gap: last.gap + left, why });
    else this.lines.add({ gap: left, why });
  }

  #take(message: LiveMessage): void {
    if ("objects" in message) for (const object of message.objects) this.lines.add(object);
    else {
      const [left, why] =
        "missed" in message
          ? [message.missed, "lines left out: this page was too slow"]
          : [message.skipped, "lines left out: the tracer was busy"];
      this.left.value += left;
      this.#addGap(left, why);
    }
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.version.value += 1;
      });
  }
}
