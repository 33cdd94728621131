import { BlockList, isIP } from "node:net";
import type { Network } from "../address.js";

/** Longest list of addresses that is read; each proxy on the way adds one. */
const mostHops = 16;

/** Reverse proxies that are trusted to report their clients' addresses. */
export class TrustedProxies {
  readonly #networks = new BlockList();

  constructor(networks: readonly Network[] = []) {
    for (const { address, prefix, family } of networks) this.#networks.addSubnet(address, prefix, family);
  }

  has(host: string): boolean {
    const family = isIP(host);
    return family !== 0 && this.#networks.check(host, family === 6 ? "ipv6" : "ipv4");
  }

  /**
   * The origin of a request whose peer is `host`: that host, or, if it is a proxy, the last address in `forwardedFor` that is
   * not a proxy. Earlier addresses may have been invented by the sender.
   */
  clientOf(host: string, forwardedFor: string | undefined): string {
    let client = host;
    const hops = (forwardedFor ?? "").split(",").slice(-mostHops).reverse();
    for (const hop of hops) {
      if (!this.has(client)) break;
      const address = hop.trim().replace(/^\[(.*)\](?::\d+)?$|^([^:]*):\d+$/, "$1$2");
      if (isIP(address) === 0) break;
      client = address.replace(/^::ffff:(?=.*\.)/i, "");
    }
    return client;
  }
}
