/** What the simulated nodes of one run do; the load process gets it as JSON. */
export interface LoadPlan {
  /** Path of the tracer's socket. */
  readonly socket: string;
  /** Another way to the tracer, such as `wss://127.0.0.1:3443/nodes`, and the authority of its certificate. */
  readonly link?: { readonly to: string; readonly caFile: string };
  readonly nodes: number;
  /** Bytes of one object as it is sent. */
  readonly objectBytes: number;
  /** Objects that are asked for at once. */
  readonly requestCount: number;
  /** Objects that each node gives in a second at most; absent: as fast as it is asked. */
  readonly objectsPerSecond?: number;
  /** Metrics that each node has; a tenth of them changes between two requests. */
  readonly metrics?: number;
}

/** Network magic of all runs. */
export const networkMagic = 42;

export function nodeName(index: number): string {
  return `node-${index}`;
}

/** What the load process says. */
export type LoadReport =
  /** Every node is connected and was asked for its first objects. */
  | { readonly kind: "ready" }
  /** Every node gave what it was to give. */
  | { readonly kind: "sent" }
  | { readonly kind: "failed"; readonly reason: string };

/** What the load process is told: how many replies each node may give now. */
export interface LoadCommand {
  readonly replies: number;
}
