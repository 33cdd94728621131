import type { Config } from "./config/config.js";
import type { LinkView } from "./health/link-check.js";
import type { HealthOptions } from "./health/open-health.js";
import { connectorEvents, socketFileEvents, tooManyEvents } from "./tracer-events.js";
import { type DoorOptions, Links } from "./tracer-links.js";
import { formatAddress } from "./transport/address.js";
import type { RunConnection } from "./transport/connection.js";
import { ConnectionIds } from "./transport/connection-ids.js";
import { type Connectors, openConnectors } from "./transport/connectors.js";
import { type Listener, openListener } from "./transport/listener.js";
import { Room } from "./transport/room.js";

/** The source of connections: nodes connect to us, or we to them. Closed until `open`, so that everything else is ready first. */
export class Door {
  /** Its state, for health. */
  readonly view: HealthOptions["door"];
  readonly #config: Config;
  readonly #options: DoorOptions;
  readonly #links: Links;
  readonly #ids = new ConnectionIds();
  readonly #room: Room;
  #listener: Listener | undefined;
  #connectors: Connectors | undefined;
  #stopped = false;

  constructor(config: Config, options: DoorOptions) {
    this.#config = config;
    this.#options = options;
    this.#room = new Room(options.maxConnections);
    this.#links = new Links({ ...options, muninn: config.muninn, ids: this.#ids, room: this.#room });
    this.view = this.#viewOf(config);
  }

  /** The state of `muninn.links`. */
  get links(): readonly LinkView[] {
    return this.#links.views;
  }

  /** @throws TransportError if it cannot listen, CertificateError if files of links cannot be used */
  async open(run: RunConnection): Promise<void> {
    const { network, muninn } = this.#config;
    const { log, events, maxConnections } = this.#options;
    if (network.mode === "ConnectTo") {
      const { addresses } = network;
      this.#connectors = openConnectors({
        ...muninn.reconnect,
        addresses,
        chunks: "lent",
        ids: this.#ids,
        run,
        observer: connectorEvents(log),
      });
    } else {
      this.#listener = await openListener({
        address: network.address,
        socketMode: muninn.socketMode,
        maxConnections,
        room: this.#room,
        chunks: "lent",
        ids: this.#ids,
        run,
        onTooMany: tooManyEvents(log, events),
        ...socketFileEvents(log),
      });
    }
    await this.#links.open(run);
  }

  /**
   * Reads certificates and tokens of links again; resolves with a function that applies them.
   * @throws CertificateError if they are unusable
   */
  readChange(): Promise<() => void> {
    return this.#links.readChange();
  }

  /** Accepts no more connections; open ones stay. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#listener?.stop(), this.#connectors?.stop(), this.#links.stop()]);
  }

  #viewOf({ network }: Config): HealthOptions["door"] {
    if (network.mode === "AcceptAt") {
      // A listener that we have closed ourselves is not a fault.
      const isBound = () => this.#stopped || this.#listener?.listening === true;
      return { listener: { where: formatAddress(network.address), isBound } };
    }
    return {
      targets: network.addresses.map((address, index) => {
        const state = () => this.#connectors?.targets()[index];
        return {
          where: formatAddress(address),
          isConnected: () => state()?.state === "connected",
          lastError: () => state()?.error?.message,
        };
      }),
    };
  }
}
