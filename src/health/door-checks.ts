import { type Check, ok } from "./check.js";

/** Whether the socket that nodes connect to is bound. */
export interface ListenerView {
  readonly where: string;
  readonly isBound: () => boolean;
}

/** The address of a node that we connect to. */
export interface TargetView {
  readonly where: string;
  readonly isConnected: () => boolean;
  /** Why the last attempt failed. */
  readonly lastError: () => string | undefined;
}

export function listenerCheck({ where, isBound }: ListenerView): Check {
  return {
    name: "listener",
    pages: "ready",
    find: () => {
      if (isBound()) return ok;
      return {
        state: "failing",
        reason: `the socket at ${where} is not open`,
        action: "Restart Muninn; if it happens again, check its log.",
      };
    },
  };
}

/** A target that is absent is the node's problem before it is ours: never worse than degraded. */
export function targetCheck({ where, isConnected, lastError }: TargetView): Check {
  return {
    name: `target:${where}`,
    pages: "none",
    find: () => {
      if (isConnected()) return ok;
      const cause = lastError();
      return {
        state: "degraded",
        reason: `${where} is not connected${cause === undefined ? "" : `: ${cause}`}`,
        action: "Start the node, or remove its address from `network`. Muninn keeps trying.",
      };
    },
  };
}

/** If nodes connect to us, we do not know which ones should: only having none at all is reported. */
export function nodesCheck(count: () => number): Check {
  return {
    name: "nodes",
    pages: "none",
    find: () => {
      if (count() > 0) return ok;
      return {
        state: "degraded",
        reason: "no node is connected",
        action: "Start the nodes; their `TraceOptionForwarder` and network magic must match this tracer's.",
      };
    },
  };
}
