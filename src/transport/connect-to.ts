import type { Duplex } from "node:stream";
import type { Address } from "./address.js";
import { connectOver } from "./links/kinds.js";
import type { ConnectOptions } from "./links/link.js";

/** Connects once, half-open allowed. Rejects with what the system says, in words. */
export async function connectTo(
  address: Address,
  options: Pick<ConnectOptions, "signal" | "timeoutMs" | "unref">,
): Promise<Duplex> {
  return (await connectOver(address, { ...options, chunks: "given" })).stream;
}
