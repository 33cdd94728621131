import type { LinkAddress } from "../address.js";
import type { Arrival, ConnectOptions, LinkKind, LinkServer, LinkStream, ListenOptions } from "./link.js";

const webSocket = async () => (await import("./websocket.js")).webSocketLink;

type AddressOf<Kind, Where = LinkAddress> = Where extends { readonly kind: infer Kinds }
  ? Kind extends Kinds
    ? Where
    : never
  : never;

/** Every kind of link. Only what is used is loaded: TLS and HTTP take much of a start. */
const kinds: {
  readonly [Kind in LinkAddress["kind"]]: () => Promise<LinkKind<AddressOf<Kind>>>;
} = {
  unix: async () => (await import("./unix.js")).unixLink,
  tcp: async () => (await import("./tcp.js")).tcpLink,
  tls: async () => (await import("./tls.js")).tlsLink,
  ws: webSocket,
  wss: webSocket,
};

/** Listens by the kind of the address. @throws TransportError */
export async function listenOver<Where extends LinkAddress>(
  address: Where,
  options: ListenOptions,
  onArrival: (arrival: Arrival) => void,
): Promise<LinkServer<Where>> {
  const kind = await kindOf(address);
  return kind.listen(address, options, onArrival);
}

/** Connects once, by the kind of the address. Rejects with the system's error, in words. */
export async function connectOver(address: LinkAddress, options: ConnectOptions): Promise<LinkStream> {
  const kind = await kindOf(address);
  return kind.connect(address, options);
}

async function kindOf<Where extends LinkAddress>({ kind }: Where): Promise<LinkKind<Where>> {
  return (await kinds[kind]()) as unknown as LinkKind<Where>;
}
