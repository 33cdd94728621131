import type { Address, LinkAddress } from "./address.js";
import type { RunConnection } from "./connection.js";
import { ConnectionIds } from "./connection-ids.js";
import { listenOver } from "./links/kinds.js";
import type { Arrival, DoorCredentials, ListenOptions } from "./links/link.js";

export interface ListenerOptions<Where extends LinkAddress = Address> extends ListenOptions {
  readonly address: Where;
  readonly run: RunConnection;
  /** Shared by doors whose connections must not have the same ids. @default new ones */
  readonly ids?: ConnectionIds | undefined;
}

/** A socket that peers connect to. */
export interface Listener<Where extends LinkAddress = Address> {
  /** Where it listens; a port given as 0 is the real one here. */
  readonly address: Where;
  readonly listening: boolean;
  /** Applies to new connections. @throws OpenSSL's error if they are unusable; then nothing changes */
  setCredentials(credentials: DoorCredentials): void;
  /** Accepts no more connections; existing ones stay, and belong to their owners. Idempotent. */
  stop(): Promise<void>;
}

/** Starts to listen, and runs each connection. @throws TransportError */
export async function openListener<Where extends LinkAddress>(
  options: ListenerOptions<Where>,
): Promise<Listener<Where>> {
  const { ids = new ConnectionIds() } = options;
  const serve = async ({ origin, ...arrival }: Arrival) => {
    const id = ids.take(origin);
    await options.run({ ...arrival, id, opener: "peer" });
    ids.giveBack(id);
  };
  const server = await listenOver(options.address, options, (arrival) => void serve(arrival));
  return {
    address: server.address,
    get listening() {
      return server.listening;
    },
    setCredentials: (credentials) => server.setCredentials?.(credentials),
    stop: async () => server.stop(),
  };
}
