import { signal } from "@preact/signals";

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** Close code for a wrong query (docs/ui.md); trying again would not help. */
const badQuery = 4_002;

/** A WebSocket to the tracer that reconnects by itself. */
export class Feed {
  /** The state of the connection, in words. */
  readonly state = signal("connecting …");
  readonly isLive = signal(false);
  readonly #address: string;
  readonly #onMessage: (message: unknown) => void;
  #socket: WebSocket | undefined;
  #openedAt = Number.POSITIVE_INFINITY;
  #pauseMs = firstPauseMs;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onMessage` is called with each message, parsed from JSON. */
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
      this.#setState("live", true);
    };
    socket.onmessage = ({ data }) => this.#onMessage(JSON.parse(data as string));
    socket.onclose = ({ code, reason }) => {
      if (code === badQuery) {
        this.#setState(reason, false);
        return;
      }
      this.#setState(reason === "" ? "connection lost, retrying" : `${reason}, retrying`, false);
      if (performance.now() - this.#openedAt > longestPauseMs) this.#pauseMs = firstPauseMs;
      this.#timer = setTimeout(() => this.#connect(), this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    };
  }

  #setState(state: string, isLive: boolean): void {
    this.state.value = state;
    this.isLive.value = isLive;
  }
}
