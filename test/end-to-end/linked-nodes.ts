import { NumberedSource, type NumberedSourceOptions } from "../../src/testing/numbered-source.js";
import { type SimulatedNode, simulatedNode } from "../../src/testing/simulated-node.js";
import { parseLinkAddress } from "../../src/transport/address.js";
import { connectOver } from "../../src/transport/links/kinds.js";
import type { OwnCredentials } from "../../src/transport/links/link.js";
import { authority } from "../transport/certificates.js";

/** A node that connects by itself over a link of any kind, and trusts the tests' authority. It connects once. */
export async function linkedNode(
  to: string,
  source: NumberedSourceOptions,
  credentials: OwnCredentials = {},
): Promise<SimulatedNode> {
  const { stream } = await connectOver(parseLinkAddress(to), {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    credentials: { ca: authority, ...credentials },
  });
  return simulatedNode({
    source: new NumberedSource(source),
    network: { mode: "stream", stream, side: "opener" },
  });
}
