import type { Address } from "../address.js";
import type { Arrival, ConnectOptions, LinkKind, LinkServer, LinkStream, ListenOptions } from "./link.js";
import { tcpLink } from "./tcp.js";
import { unixLink } from "./unix.js";

/** Every kind of link there is. */
const kinds: { readonly [Kind in Address["kind"]]: LinkKind<Extract<Address, { kind: Kind }>> } = {
  unix: unixLink,
  tcp: tcpLink,
};

/** Listens by the kind of the address. @throws TransportError */
export async function listenOver<Where extends Address>(
  address: Where,
  options: ListenOptions,
  onArrival: (arrival: Arrival) => void,
): Promise<LinkServer<Where>> {
  return kindOf(address).listen(address, options, onArrival);
}

/** Connects once, by the kind of the address. Rejects with what the system says, in words. */
export async function connectOver(address: Address, options: ConnectOptions): Promise<LinkStream> {
  return kindOf(address).connect(address, options);
}

function kindOf<Where extends Address>({ kind }: Where): LinkKind<Where> {
  return kinds[kind] as unknown as LinkKind<Where>;
}
