/** What the simulated nodes of one run do; the load process gets it as JSON. */
export interface LoadPlan {
  /** Path of the tracer's socket. */
  readonly socket: string;
  /** Another address of the tracer, such as `wss://127.0.0.1:3443/nodes`, and the authority of its certificate. */
  readonly link?: { readonly to: string; readonly caFile: string };
  readonly nodes: number;
  /** Bytes of one object on the wire. */
  readonly objectBytes: number;
  /** Objects in each request. */
  readonly requestCount: number;
  /** The most objects that each node sends in a second; absent: as fast as it is asked. */
  readonly objectsPerSecond?: number;
  /** Metrics of each node; a tenth of them changes between two requests. */
  readonly metrics?: number;
}

/** Network magic of all runs. */
export const networkMagic = 42;

export function nodeName(index: number): string {
  return `node-${index}`;
}

/** Messages from the load process. */
export type LoadReport =
  /** Every node is connected and has been asked for its first objects. */
  | { readonly kind: "ready" }
  /** Every node has sent its share; so many requests at most waited for objects at a node when it began. */
  | { readonly kind: "sent"; readonly requestsWaiting: number }
  | { readonly kind: "failed"; readonly reason: string };

/** Message to the load process: how many more replies each node may send now. */
export interface LoadCommand {
  readonly replies: number;
}
