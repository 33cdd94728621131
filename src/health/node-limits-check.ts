import { type Check, ok } from "./check.js";
import { someOf } from "./some-of.js";

/** How long a limit counts as reached after the last time, in milliseconds. */
const rememberedMs = 300_000;

/** The metrics of one connection of a node; a new object after a reconnection. */
export interface LimitedNode {
  readonly node: { readonly name: string };
  readonly metrics: {
    /** Values refused for lack of room since the connection began. */
    readonly refused: number;
  };
}

/** Whether a node has more metrics than Muninn keeps: those beyond the limits are missing on every page. */
export function nodeLimitsCheck(nodes: () => Iterable<LimitedNode>): Check {
  const seen = new WeakMap<LimitedNode["metrics"], { refused: number; at: number }>();
  return {
    name: "node-limits",
    pages: "none",
    find: () => {
      const limited: string[] = [];
      const now = performance.now();
      for (const { node, metrics } of nodes()) {
        const before = seen.get(metrics);
        if (metrics.refused > (before?.refused ?? 0))
          seen.set(metrics, { refused: metrics.refused, at: now });
        const last = seen.get(metrics);
        if (last !== undefined && now - last.at < rememberedMs) limited.push(node.name);
      }
      if (limited.length === 0) return ok;
      return {
        state: "degraded",
        reason: `${someOf(limited)} sent more metrics than are kept`,
        action:
          "Check why the node has so many, or raise muninn.maxMetricsPerNode, muninn.maxMetricsBytes or muninn.maxInFlightBytes.",
      };
    },
  };
}
