import type { Address } from "./address.js";
import type { RunConnection } from "./connection.js";
import { ConnectionIds } from "./connection-ids.js";
import { listenOver } from "./links/kinds.js";
import type { Arrival, ListenOptions } from "./links/link.js";

export interface ListenerOptions<Where extends Address = Address> extends ListenOptions {
  readonly address: Where;
  readonly run: RunConnection;
}

/** A socket that peers connect to. */
export interface Listener<Where extends Address = Address> {
  /** Where it listens; the port is a real one where 0 was asked for. */
  readonly address: Where;
  readonly listening: boolean;
  /** Takes nobody else in; those inside stay, and belong to whoever runs them. Idempotent. */
  stop(): Promise<void>;
}

/** Begins to listen, and runs each connection that comes. @throws TransportError */
export async function openListener<Where extends Address>(
  options: ListenerOptions<Where>,
): Promise<Listener<Where>> {
  const ids = new ConnectionIds();
  const welcome = async ({ origin, ...arrival }: Arrival) => {
    const id = ids.take(origin);
    await options.run({ ...arrival, id, opener: "peer" });
    ids.giveBack(id);
  };
  const server = await listenOver(options.address, options, (arrival) => void welcome(arrival));
  return {
    address: server.address,
    get listening() {
      return server.listening;
    },
    stop: async () => server.stop(),
  };
}
