import { FewInTurn } from "../transport/few-in-turn.js";
import type { DataPointRequests } from "./data-points.js";
import type { HeldBatches } from "./held-batches.js";
import { type NameSource, nameOf, nodeInfoName } from "./node-info.js";

/** Thousands of nodes may connect at the same time, each with a text that takes a millisecond to read. */
const turns = new FewInTurn(8);

/** Asks one source after the other for the name of a node; undefined if none gives one within `nameTimeoutMs`. */
export async function learnName(
  dataPoints: DataPointRequests,
  held: HeldBatches,
  { nameFrom, nameTimeoutMs }: { readonly nameFrom: readonly NameSource[]; readonly nameTimeoutMs: number },
): Promise<string | undefined> {
  const until = performance.now() + nameTimeoutMs;
  // cardano-tracer begins with an empty request, which some peers (recordings) expect.
  void dataPoints.request([], nameTimeoutMs);
  const ask: Record<NameSource, (timeoutMs: number) => Promise<string | undefined>> = {
    nodeInfo: async (timeoutMs) => {
      const points = await dataPoints.request([nodeInfoName], timeoutMs);
      await turns.turn();
      return nameOf(points);
    },
    hostname: (timeoutMs) => held.firstHost(timeoutMs),
  };
  for (const source of nameFrom) {
    const name = await ask[source](until - performance.now());
    if (name !== undefined) return name;
  }
  return undefined;
}
