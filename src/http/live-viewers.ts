import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { type WebSocket, WebSocketServer } from "ws";
import type { NodeMetric } from "../metrics/node/node-metrics.js";
import { ekgTypes } from "./ekg-json.js";
import type { NodesView } from "./nodes-view.js";

/** Pause between two updates, in milliseconds. */
const updateMs = 1_000;

/** Updates between two pings; who has not answered the last one is gone. */
const updatesPerPing = 15;

/** A viewer with more unsent bytes than this misses updates. */
const maxUnsentBytes = 262_144;

const maxViewers = 256;

/**
 * What a page is told once a second, as JSON. Numbers are texts, since a page's own numbers end at 2^53.
 * `whole`: these are all metrics, forget others; `absent`: the node is not connected.
 */
type Update =
  | { readonly absent: true }
  | {
      readonly whole: boolean;
      readonly metrics: readonly (readonly [name: string, type: string, value: string])[];
    };

interface Viewer {
  readonly socket: WebSocket;
  /** Whether it has everything up to the last update; otherwise it gets the whole next time. */
  upToDate: boolean;
  answeredPing: boolean;
}

/** Those who look at one node's page. */
interface Audience {
  readonly viewers: Set<Viewer>;
  /** What was said last. */
  said: Map<string, NodeMetric>;
}

/**
 * Tells the open pages of nodes how metrics change, by WebSocket. A page that cannot follow misses updates and then
 * gets the whole state again: what waits for it is bounded by one such state, whatever it does.
 */
export class LiveViewers {
  readonly #nodes: NodesView;
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1_024 });
  readonly #audiences = new Map<string, Audience>();
  #viewers = 0;
  #updates = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(nodes: NodesView) {
    this.#nodes = nodes;
  }

  /** Takes the connection as a viewer of the node with this slug, or returns the status that says why not. */
  take(message: IncomingMessage, socket: Duplex, head: Buffer, slug: string): number | undefined {
    if (!ownOrigin(message)) return 403;
    if (this.#nodes.bySlug(slug) === undefined) return 404;
    if (this.#viewers >= maxViewers) return 503;
    this.#server.handleUpgrade(message, socket, head, (webSocket) => this.#add(webSocket, slug));
    return undefined;
  }

  /** Says goodbye to all viewers. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { viewers } of this.#audiences.values()) {
      for (const { socket } of viewers) socket.close(1001);
    }
  }

  #add(socket: WebSocket, slug: string): void {
    const entries = this.#nodes.bySlug(slug)?.metrics.entries();
    const audience = this.#audiences.get(slug) ?? { viewers: new Set(), said: new Map(entries) };
    this.#audiences.set(slug, audience);
    const viewer: Viewer = { socket, upToDate: false, answeredPing: true };
    audience.viewers.add(viewer);
    this.#viewers += 1;
    socket.on("pong", () => {
      viewer.answeredPing = true;
    });
    // A broken connection closes by itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
    socket.once("close", () => {
      this.#viewers -= 1;
      audience.viewers.delete(viewer);
      if (audience.viewers.size === 0 && this.#audiences.get(slug) === audience) this.#audiences.delete(slug);
      if (this.#viewers === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    });
    send(viewer, JSON.stringify(updateFor(entries, new Map())));
    this.#timer ??= setInterval(() => this.#updateAll(), updateMs).unref();
  }

  #updateAll(): void {
    this.#updates += 1;
    for (const [slug, audience] of this.#audiences) {
      if (this.#updates % updatesPerPing === 0) pingAll(audience.viewers);
      this.#update(slug, audience);
    }
  }

  #update(slug: string, audience: Audience): void {
    const entries = this.#nodes.bySlug(slug)?.metrics.entries();
    const changes = JSON.stringify(updateFor(entries, audience.said));
    let whole: string | undefined;
    for (const viewer of audience.viewers) {
      if (!viewer.upToDate) whole ??= JSON.stringify(updateFor(entries, new Map()));
      send(viewer, viewer.upToDate ? changes : whole!);
    }
    audience.said = new Map(entries);
  }
}

function send(viewer: Viewer, update: string): void {
  viewer.upToDate = viewer.socket.bufferedAmount <= maxUnsentBytes;
  if (viewer.upToDate) viewer.socket.send(update);
}

/** What changed since `before`, or everything where a name of then is gone. */
function updateFor(
  entries: readonly [string, NodeMetric][] | undefined,
  before: ReadonlyMap<string, NodeMetric>,
): Update {
  if (entries === undefined) return { absent: true };
  const stayed = entries.filter(([name]) => before.has(name)).length;
  const whole = before.size === 0 || stayed < before.size;
  const changed = whole
    ? entries
    : entries.filter(([name, metric]) => !isDeepStrictEqual(metric, before.get(name)));
  return {
    whole,
    metrics: changed.map(([name, { kind, value }]) => [name, ekgTypes[kind], value.toString()]),
  };
}

function pingAll(viewers: ReadonlySet<Viewer>): void {
  for (const viewer of viewers) {
    if (!viewer.answeredPing) {
      viewer.socket.terminate();
      continue;
    }
    viewer.answeredPing = false;
    viewer.socket.ping();
  }
}

/** Browsers let any site open a WebSocket to any other, with the user's credentials, and say which site it is. */
function ownOrigin({ headers }: IncomingMessage): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  const hosts = [headers.host, headers["x-forwarded-host"]?.toString()];
  return URL.canParse(origin) && hosts.includes(new URL(origin).host);
}
