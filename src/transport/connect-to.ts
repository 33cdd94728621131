import type { Duplex } from "node:stream";
import type { LinkAddress } from "./address.js";
import { connectOver } from "./links/kinds.js";
import type { ConnectOptions } from "./links/link.js";

/** Connects once, half-open allowed. Rejects with the system's error, in words. */
export async function connectTo(
  address: LinkAddress,
  options: Omit<ConnectOptions, "chunks">,
): Promise<Duplex> {
  return (await connectOver(address, { ...options, chunks: "given" })).stream;
}
