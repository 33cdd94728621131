/** A metric as a node sends it: a counter or gauge of 64 bits, or a text. */
export type NodeMetric =
  | { readonly kind: "counter" | "gauge"; readonly value: bigint }
  | { readonly kind: "label"; readonly value: string };

/** The counter that cardano-tracer keeps in each node's store: when the node last answered. */
const serverTimestamp = "ekg.server_timestamp_ms";

/** Versions are unique among all stores: a node may leave and another of the same name come. */
let lastVersion = 0;

/**
 * The last known metrics of one node, by internal name. What a node may store here is bounded: what would go beyond
 * `maxBytes` (UTF-16 units of names and texts) is refused and counted, numbers already there go on being updated.
 */
export class NodeMetrics {
  readonly #maxBytes: number;
  #values = new Map<string, NodeMetric>();
  #bytes = 0;
  #refused = 0;
  #version = ++lastVersion;

  constructor(options: { maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** Takes one answer of the node; `whole` says that it holds every metric the node has. */
  apply(
    metrics: readonly (readonly [string, NodeMetric])[],
    options: { whole: boolean; nowMs: number },
  ): void {
    this.#version = ++lastVersion;
    if (options.whole) {
      this.#values = new Map();
      this.#bytes = 0;
    }
    // First, so that a node at its limit still has its timestamp; the node's own of that name does not count.
    this.#set(serverTimestamp, { kind: "counter", value: BigInt(Math.trunc(options.nowMs)) });
    for (const [name, metric] of metrics) {
      if (name !== serverTimestamp) this.#set(name, metric);
    }
  }

  /** All metrics, in the order in which they first came. */
  entries(): IterableIterator<[string, NodeMetric]> {
    return this.#values.entries();
  }

  get size(): number {
    return this.#values.size;
  }

  /** Another after each answer, and another for each node: what was rendered of the same version is still right. */
  get version(): number {
    return this.#version;
  }

  /** Values that did not fit, since the connection began. */
  get refused(): number {
    return this.#refused;
  }

  #set(name: string, metric: NodeMetric): void {
    const before = this.#values.get(name);
    const growth = sizeOf(name, metric) - (before === undefined ? 0 : sizeOf(name, before));
    if (growth > 0 && this.#bytes + growth > this.#maxBytes) {
      this.#refused += 1;
      return;
    }
    this.#values.set(name, metric);
    this.#bytes += growth;
  }
}

/** An update counts only the difference, so a number, always of the same size, can be updated at the limit. */
function sizeOf(name: string, metric: NodeMetric): number {
  return name.length + (metric.kind === "label" ? metric.value.length : 8);
}
