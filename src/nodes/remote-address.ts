import type { Connection } from "../transport/connection.js";

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
  return host.startsWith("[") ? networkOf(host.slice(1, -1)) : host;
}

/** The first four groups of an IPv6 address, which may leave out a run of zeros. */
function networkOf(address: string): string {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  if (tail === undefined) return `${before.slice(0, 4).join(":")}::/64`;
  const after = tail === "" ? [] : tail.split(":");
  const zeros = new Array(Math.max(0, 8 - before.length - after.length)).fill("0");
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`;
}
