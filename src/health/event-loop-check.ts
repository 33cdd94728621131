import { type Check, ok } from "./check.js";

/** A turn of the loop that takes longer holds up answers and every node. */
const longTurnSeconds = 1;

/**
 * Whether the loop turns quickly. That it turns at all is clear from getting an answer: a slow loop is no reason for a
 * restart.
 */
export function eventLoopCheck(longestLagSeconds: () => number): Check {
  return {
    name: "event-loop",
    pages: "live",
    find: () => {
      const lag = longestLagSeconds();
      if (lag < longTurnSeconds) return ok;
      return {
        state: "degraded",
        reason: `the event loop was blocked for ${lag.toFixed(1)} s`,
        action: "Give the process more CPU time or memory, and check whether the machine swaps.",
      };
    },
  };
}
