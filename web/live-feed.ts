import { signal } from "@preact/signals";
import type { LiveMessage, LiveObject } from "../src/sinks/live/live-messages.js";
import { Ring } from "./ring.js";

/** Lines that the page keeps. */
const mostLines = 20_000;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** What was asked for cannot be (docs/ui.md); asking again would not help. */
const badQuery = 4_002;

/** An object, or a gap where some are missing. */
export type Line = LiveObject | { readonly gap: string };

/** Trace objects as they come. All that come within a frame change the page once. */
export class LiveFeed {
  readonly lines = new Ring<Line>(mostLines);
  /** Changes whenever lines have come. */
  readonly version = signal(0);
  readonly state = signal("connecting …");
  readonly left = signal(0);
  readonly #address: string;
  #socket: WebSocket | undefined;
  #pauseMs = firstPauseMs;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  constructor(parameters: URLSearchParams) {
    const query = parameters.toString();
    this.#address = `/api/live${query === "" ? "" : `?${query}`}`;
    this.#connect();
  }

  clear(): void {
    this.lines.clear();
    this.left.value = 0;
    this.version.value += 1;
  }

  stop(): void {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    if (this.#socket !== undefined) {
      this.#socket.onclose = null;
      this.#socket.onmessage = null;
      this.#socket.close();
    }
  }

  #connect(): void {
    const socket = new WebSocket(this.#address.replace(/^/, location.origin.replace(/^http/, "ws")));
    this.#socket = socket;
    socket.onopen = () => {
      this.state.value = "live";
      this.#pauseMs = firstPauseMs;
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data as string) as LiveMessage);
    socket.onclose = ({ code, reason }) => {
      if (code === badQuery) {
        this.state.value = reason;
        return;
      }
      this.state.value = reason === "" ? "connection lost, retrying" : `${reason}, retrying`;
      this.#timer = setTimeout(() => this.#connect(), this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    };
  }

  #take(message: LiveMessage): void {
    if ("objects" in message) for (const object of message.objects) this.lines.add(object);
    else {
      const [count, why] =
        "missed" in message
          ? [message.missed, "lines are left out: this page was too slow"]
          : [message.skipped, "objects were not looked at: the tracer was busy"];
      this.left.value += count;
      this.lines.add({ gap: `${count.toLocaleString("en")} ${why}` });
    }
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.version.value += 1;
      });
  }
}
