import type { NodeMetrics } from "../metrics/node/node-metrics.js";
import type { NodeIdentity } from "../nodes/identity.js";

/** A connected node, as pages and expositions see it. */
export interface ViewedNode {
  readonly node: NodeIdentity;
  readonly metrics: NodeMetrics;
}

/** What HTTP endpoints can read about nodes; the composition root provides it from its directory of nodes. */
export interface NodesView {
  /** The nodes currently connected whose names are known. */
  nodes(): Iterable<ViewedNode>;
  bySlug(slug: string): ViewedNode | undefined;
}
