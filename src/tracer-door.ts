import type { Config } from "./config/config.js";
import type { Log } from "./daemon/log/log.js";
import type { HealthOptions } from "./health/open-health.js";
import type { OwnEvents } from "./metrics/own/events.js";
import { connectorEvents, socketFileEvents, turnedAwayEvents } from "./tracer-events.js";
import { formatAddress } from "./transport/address.js";
import type { RunConnection } from "./transport/connection.js";
import { type Connectors, openConnectors } from "./transport/connectors.js";
import { type Listener, openListener } from "./transport/listener.js";

export interface DoorOptions {
  readonly log: Log;
  readonly events: OwnEvents;
  /** Connections at the same time. */
  readonly maxConnections: number;
}

/** Where connections come from: nodes to us, or we to them. Closed until `open`, so that all else can be there before. */
export class Door {
  /** How it stands with it, for health. */
  readonly view: HealthOptions["door"];
  readonly #config: Config;
  readonly #options: DoorOptions;
  #listener: Listener | undefined;
  #connectors: Connectors | undefined;
  #stopped = false;

  constructor(config: Config, options: DoorOptions) {
    this.#config = config;
    this.#options = options;
    this.view = this.#viewOf(config);
  }

  /** @throws TransportError where it cannot listen */
  async open(run: RunConnection): Promise<void> {
    const { network, muninn } = this.#config;
    const { log, events, maxConnections } = this.#options;
    if (network.mode === "ConnectTo") {
      const { addresses } = network;
      this.#connectors = openConnectors({
        ...muninn.reconnect,
        addresses,
        chunks: "lent",
        run,
        observer: connectorEvents(log),
      });
    } else {
      this.#listener = await openListener({
        address: network.address,
        socketMode: muninn.socketMode,
        maxConnections,
        chunks: "lent",
        run,
        onTurnedAway: turnedAwayEvents(log, events),
        ...socketFileEvents(log),
      });
    }
  }

  /** Lets nobody else in; those inside stay. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#listener?.stop(), this.#connectors?.stop()]);
  }

  #viewOf({ network }: Config): HealthOptions["door"] {
    if (network.mode === "AcceptAt") {
      // One that we have closed ourselves is no fault.
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
