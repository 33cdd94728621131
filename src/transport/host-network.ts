import { isIPv6 } from "node:net";

/** The part of a host's address that its owner cannot change at will: of an IPv6 address the first 64 bits, which belong to one customer. */
export function hostNetwork(host: string): string {
  if (!isIPv6(host)) return host;
  const [head = "", tail] = host.replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  // A run of zeros may be left out.
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
