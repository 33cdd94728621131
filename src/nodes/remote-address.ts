import type { Connection } from "../transport/connection.js";
import { hostNetwork } from "../transport/host-network.js";

/** All peers of unix sockets: nothing distinguishes them. */
const unixAddress = "unix";

/** What is known about a connection's other side. */
interface Where extends Partial<Connection> {
  readonly opener: Connection["opener"];
  readonly peer: string;
}

/**
 * The part of a peer's address that it cannot choose: the host without the port, for IPv6 the network of 64
 * bits, which belongs to one customer. All unix sockets are one address; for a target that we connect to it is the target.
 */
export function remoteAddressOf({ opener, peer }: Where): string {
  const plain = peer.replace(/^[a-z]+:\/\//, "");
  if (opener === "us") return plain;
  const host = /^([^/]+):\d+$/.exec(plain)?.[1];
  if (host === undefined) return unixAddress;
  return hostNetwork(host.replace(/^\[(.*)\]$/, "$1"));
}
