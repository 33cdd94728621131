import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { loopSlices } from "../http/loop-slices.js";
import { isOwnOrigin } from "../http/own-origin.js";
import { LiveFilter, LiveQueryError } from "../sinks/live/live-filter.js";
import type { LiveSink } from "../sinks/live/live-sink.js";
import { liveQuery } from "./live-query.js";

/** Pause between two pings, in milliseconds; a viewer that has not answered the last one is disconnected. */
const pingEveryMs = 15_000;
/** Most sockets open at a time, including those that are just being refused. */
const mostSockets = 128;

/** Close codes of RFC 6455 and, from 4000 on, our own (docs/ui.md). */
const closing = { goingAway: 1001, tooMany: 4001, badQuery: 4002 } as const;
/** The longest reason that a close frame has room for, in bytes. */
const maxReasonBytes = 120;

/** `/api/live`: sends trace objects by WebSocket. */
export class LiveSockets {
  readonly #sink: LiveSink;
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1_024 });
  readonly #answered = new Map<WebSocket, boolean>();
  #timer: NodeJS.Timeout | undefined;

  constructor(sink: LiveSink) {
    this.#sink = sink;
  }

  /** Takes the connection, or returns the status that says why not. */
  take(message: IncomingMessage, socket: Duplex, head: Buffer): number | undefined {
    if (!isOwnOrigin(message.headers)) return 403;
    if (this.#answered.size >= mostSockets) return 503;
    const { searchParams } = new URL(message.url ?? "", "http://muninn");
    this.#server.handleUpgrade(message, socket, head, (webSocket) => {
      this.#enter(webSocket);
      void this.#watch(webSocket, searchParams);
    });
    return undefined;
  }

  /** Closes all connections. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const socket of this.#answered.keys()) socket.close(closing.goingAway, "Muninn stops");
  }

  #enter(socket: WebSocket): void {
    this.#answered.set(socket, true);
    socket.on("pong", () => this.#answered.set(socket, true));
    // A broken connection closes by itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
    socket.once("close", () => {
      this.#answered.delete(socket);
      if (this.#answered.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    this.#timer ??= setInterval(() => this.#ping(), pingEveryMs).unref();
  }

  async #watch(socket: WebSocket, parameters: URLSearchParams): Promise<void> {
    let filter: LiveFilter;
    try {
      const query = liveQuery(parameters);
      // To compile what 400 characters can say takes up to 50 ms, and many may come at once.
      if (query.regex !== undefined) await loopSlices.turn();
      filter = await LiveFilter.of(query);
    } catch (error) {
      if (!(error instanceof LiveQueryError)) throw error;
      socket.close(closing.badQuery, reasonOf(error.message));
      return;
    }
    if (socket.readyState !== socket.OPEN) return;
    const viewer = this.#sink.watch(filter, (text) => send(socket, text));
    if (viewer === undefined) socket.close(closing.tooMany, "there are too many viewers");
    else socket.once("close", () => viewer.end());
  }

  #ping(): void {
    for (const [socket, hasAnswered] of this.#answered) {
      if (!hasAnswered) {
        socket.terminate();
        continue;
      }
      this.#answered.set(socket, false);
      socket.ping();
    }
  }
}

function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(text, (error) => (error == null ? resolve() : reject(error)));
  });
}

/** Cuts a text to what a close frame has room for. */
function reasonOf(text: string): string {
  return Buffer.from(text)
    .subarray(0, maxReasonBytes)
    .toString("utf8")
    .replace(/\ufffd$/, "");
}
