import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { BodyBudget } from "./body-budget.js";
import { LiveAudience } from "./live-audience.js";
import { LiveViewer } from "./live-viewer.js";
import type { NodePath } from "./node-path.js";
import type { NodesView } from "./nodes-view.js";
import { isOwnOrigin } from "./own-origin.js";

/** Pause between two updates, in milliseconds. */
const updateMs = 1_000;

/** Updates between two pings; a viewer that has not answered the last one is gone. */
const updatesPerPing = 15;

const maxViewers = 256;

/** Most metrics remembered to keep updates small, for all nodes together; beyond it pages get everything each time. */
const maxRemembered = 100_000;

export interface LiveViewersOptions {
  readonly nodes: NodesView;
  readonly budget: BodyBudget;
  /** Called with errors in Muninn. */
  readonly onError: (error: unknown) => void;
}

/**
 * Sends changes of metrics to the open pages of nodes, by WebSocket. A page that cannot keep up misses updates and then
 * gets the whole state again. Updates are shared between pages, and counted among the answers of the endpoint.
 */
export class LiveViewers {
  readonly #options: LiveViewersOptions;
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1_024 });
  readonly #audiences = new Map<string, LiveAudience>();
  #viewers = 0;
  #updates = 0;
  #isUpdating = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveViewersOptions) {
    this.#options = options;
    options.budget.whenShort(() => {
      for (const { viewers } of this.#audiences.values()) for (const viewer of viewers) viewer.endIfSlow();
    });
  }

  /** Accepts the connection as a viewer of a node, or returns the status to refuse it with. */
  take(
    message: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    path: NodePath | undefined,
  ): number | undefined {
    if (!isOwnOrigin(message.headers)) return 403;
    if (path === undefined || path.rest !== undefined) return 404;
    const { slug } = path;
    if (this.#options.nodes.bySlug(slug) === undefined) return 404;
    if (this.#viewers >= maxViewers) return 503;
    this.#server.handleUpgrade(message, socket, head, (webSocket) => {
      this.#viewers += 1;
      const viewer = new LiveViewer(webSocket, this.#options.budget);
      const audience = this.#audienceOf(slug);
      audience.viewers.add(viewer);
      webSocket.once("close", () => this.#leave(slug, audience, viewer));
      void audience.sendToNew();
      this.#timer ??= setInterval(() => void this.#updateAll(), updateMs).unref();
    });
    return undefined;
  }

  /** Closes the WebSockets of all viewers. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { viewers } of this.#audiences.values()) for (const viewer of viewers) viewer.close();
  }

  #audienceOf(slug: string): LiveAudience {
    const known = this.#audiences.get(slug);
    if (known !== undefined) return known;
    const { nodes, budget, onError } = this.#options;
    const audience = new LiveAudience({
      metrics: () => nodes.bySlug(slug)?.metrics,
      budget,
      onError,
      mayRemember: (metrics, before) => this.#remembered() - before + metrics <= maxRemembered,
    });
    this.#audiences.set(slug, audience);
    return audience;
  }

  #leave(slug: string, audience: LiveAudience, viewer: LiveViewer): void {
    this.#viewers -= 1;
    audience.viewers.delete(viewer);
    if (audience.viewers.size === 0) this.#audiences.delete(slug);
    if (this.#viewers > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #remembered(): number {
    let metrics = 0;
    for (const { remembered } of this.#audiences.values()) metrics += remembered;
    return metrics;
  }

  /** Updates one node after the other; if that takes longer than the pause, the next round waits for it. */
  async #updateAll(): Promise<void> {
    this.#updates += 1;
    const audiences = [...this.#audiences.values()];
    if (this.#updates % updatesPerPing === 0) {
      for (const { viewers } of audiences) for (const viewer of viewers) viewer.ping();
    }
    if (this.#isUpdating) return;
    this.#isUpdating = true;
    for (const audience of audiences) await audience.update();
    this.#isUpdating = false;
  }
}
