import { signal } from "@preact/signals";

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** What was asked for cannot be (docs/ui.md); asking again would not help. */
const badQuery = 4_002;

/** A WebSocket of the tracer that comes back by itself. */
export class Feed {
  /** How it goes, in words. */
  readonly state = signal("connecting …");
  readonly isLive = signal(false);
  readonly #address: string;
  readonly #onMessage: (message: unknown) => void;
  #socket: WebSocket | undefined;
  #openedAt = Number.POSITIVE_INFINITY;
  #pauseMs = firstPauseMs;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onMessage` is given each message, which is JSON. */
  constructor(path: string, onMessage: (message: unknown) => void) {
    this.#address = location.origin.replace(/^http/, "ws") + path;
    this.#onMessage = onMessage;
    this.#connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    if (this.#socket === undefined) return;
    this.#socket.onclose = null;
    this.#socket.onmessage = null;
    this.#socket.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    this.#openedAt = Number.POSITIVE_INFINITY;
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.#goes("live", true);
    };
    socket.onmessage = ({ data }) => this.#onMessage(JSON.parse(data as string));
    socket.onclose = ({ code, reason }) => {
      if (code === badQuery) {
        this.#goes(reason, false);
        return;
      }
      this.#goes(reason === "" ? "connection lost, retrying" : `${reason}, retrying`, false);
      if (performance.now() - this.#openedAt > longestPauseMs) this.#pauseMs = firstPauseMs;
      this.#timer = setTimeout(() => this.#connect(), this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    };
  }

  #goes(state: string, isLive: boolean): void {
    this.state.value = state;
    this.isLive.value = isLive;
  }
}
