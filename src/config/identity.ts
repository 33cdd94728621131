import { formatAddress } from "../transport/address.js";
import type { Config } from "./config.js";

/** Distinguishes a tracer from others that write below the same root: the same one twice would split every log. */
export function identityOf({ network }: Pick<Config, "network">): string {
  const addresses = network.mode === "AcceptAt" ? [network.address] : network.addresses;
  return `${network.mode} ${addresses.map(formatAddress).join(" ")}`;
}
