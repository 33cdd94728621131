import type { Config } from "./config/config.js";
import type { LinkConfig } from "./config/groups/links.js";
import { type LinkCredentials, readLinkCredentials } from "./config/link-credentials.js";
import type { Log } from "./daemon/log/log.js";
import type { LinkView } from "./health/link-check.js";
import type { OwnEvents } from "./metrics/own/events.js";
import { connectorEvents, refusalEvents, socketFileEvents, tooManyEvents } from "./tracer-events.js";
import { formatLinkAddress } from "./transport/address.js";
import type { RunConnection } from "./transport/connection.js";
import type { ConnectionIds } from "./transport/connection-ids.js";
import { type Connectors, openConnectors } from "./transport/connectors.js";
import { type Listener, openListener } from "./transport/listener.js";
import type { Room } from "./transport/room.js";

/** Parts shared by a tracer's doors. */
export interface DoorOptions {
  readonly log: Log;
  readonly events: OwnEvents;
  /** Connections at the same time. */
  readonly maxConnections: number;
}

export interface LinksOptions extends DoorOptions {
  readonly muninn: Config["muninn"];
  /** Shared with the other doors. */
  readonly ids: ConnectionIds;
  readonly room: Room;
}

/** The links of `muninn.links`, in addition to the one of `network`. */
export class Links {
  /** The state of each, for health. */
  readonly views: readonly LinkView[];
  readonly #options: LinksOptions;
  readonly #links: readonly OpenLink[];

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#links = options.muninn.links.map((link, index) => new OpenLink(link, index, options));
    this.views = this.#links.map(({ view }) => view);
  }

  /** @throws CertificateError if files cannot be used, TransportError if it cannot listen */
  async open(run: RunConnection): Promise<void> {
    for (const link of this.#links) await link.readCredentials();
    const onTooMany = tooManyEvents(this.#options.log, this.#options.events);
    for (const link of this.#links) await link.open(run, onTooMany);
  }

  /**
   * Reads certificates and tokens again; resolves with a function that applies them to connections to come.
   * @throws CertificateError if they are unusable
   */
  async readChange(): Promise<() => void> {
    const changes = await Promise.all(this.#links.map((link) => link.readChange()));
    return () => {
      for (const change of changes) change();
    };
  }

  /** Accepts no more connections; open ones stay. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop()));
  }
}

class OpenLink {
  readonly view: LinkView;
  readonly #link: LinkConfig;
  readonly #index: number;
  readonly #options: LinksOptions;
  readonly #name: string;
  #credentials: LinkCredentials = { access: [] };
  #listener: Pick<Listener, "listening" | "setCredentials" | "stop"> | undefined;
  #connectors: Connectors | undefined;
  #stopped = false;

  constructor(link: LinkConfig, index: number, options: LinksOptions) {
    this.#link = link;
    this.#index = index;
    this.#options = options;
    this.#name = formatLinkAddress((link.listen ?? link.connect)!);
    this.view = this.#viewOf(link);
  }

  async readCredentials(): Promise<void> {
    this.#credentials = await readLinkCredentials(this.#link, ["muninn", "links", this.#index]);
  }

  /** Reads the files; resolves with a function that applies them. */
  async readChange(): Promise<() => void> {
    const credentials = await readLinkCredentials(this.#link, ["muninn", "links", this.#index]);
    return () => {
      this.#credentials = credentials;
      this.#listener?.setCredentials(credentials);
    };
  }

  async open(run: RunConnection, onTooMany: (limit: number) => void): Promise<void> {
    const { log, events, muninn, maxConnections, ids, room } = this.#options;
    const { listen, connect, trustedProxies } = this.#link;
    if (connect !== undefined) {
      this.#connectors = openConnectors({
        ...muninn.reconnect,
        addresses: [connect],
        chunks: "lent",
        credentials: () => this.#credentials,
        ids,
        run,
        observer: connectorEvents(log),
      });
    }
    if (listen === undefined) return;
    const listener = await openListener({
      address: listen,
      socketMode: muninn.socketMode,
      maxConnections,
      room,
      ids,
      chunks: "lent",
      credentials: this.#credentials,
      trustedProxies,
      handshakeTimeoutMs: muninn.handshakeTimeoutMs,
      run,
      onTooMany,
      onRefused: refusalEvents(log, events, this.#name),
      ...socketFileEvents(log),
    });
    this.#listener = listener;
    const where = formatLinkAddress(listener.address);
    log.info("link_listening", `nodes may connect to ${where}`, { link: this.#name, where });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#listener?.stop(), this.#connectors?.stop()]);
  }

  #viewOf({ listen }: LinkConfig): LinkView {
    if (listen !== undefined)
      return { where: this.#name, isBound: () => this.#stopped || this.#listener?.listening === true };
    const state = () => this.#connectors?.targets()[0];
    return {
      where: this.#name,
      isConnected: () => state()?.state === "connected",
      lastError: () => state()?.error?.message,
    };
  }
}
