/** A metric as a node sends it: a counter or gauge of 64 bits, or a text. */
export type NodeMetric =
  | { readonly kind: "counter" | "gauge"; readonly value: bigint }
  | { readonly kind: "label"; readonly value: string };

/** A metric as it is kept: changed in place, as an object for each value that comes keeps the garbage collector busy. */
interface KeptMetric {
  readonly name: string;
  kind: NodeMetric["kind"];
  /** A bigint only where a number would round it. */
  value: number | bigint | string;
  /** The one that came after it last time, and mostly does again. */
  next: KeptMetric | undefined;
}

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
  #kept = new Map<string, KeptMetric>();
  #bytes = 0;
  /** The one that came last. */
  #last: KeptMetric | undefined;
  #refused = 0;
  #version = ++lastVersion;

  constructor(options: { maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** An answer of the node has come, whose metrics follow; `whole` says that it holds every metric the node has. */
  answered(options: { whole: boolean; nowMs: number }): void {
    this.#version = ++lastVersion;
    if (options.whole) {
      this.#kept = new Map();
      this.#last = undefined;
      this.#bytes = 0;
    }
    // First, so that a node at its limit still has its timestamp; the node's own of that name does not count.
    this.#set(serverTimestamp, "counter", Math.trunc(options.nowMs));
  }

  number(name: string, kind: "counter" | "gauge", value: number | bigint): void {
    if (name !== serverTimestamp) this.#set(name, kind, value);
  }

  label(name: string, text: string): void {
    if (name !== serverTimestamp) this.#set(name, "label", text);
  }

  /** All metrics as they are now, in the order in which they first came. */
  entries(): [name: string, metric: NodeMetric][] {
    const entries: [string, NodeMetric][] = [];
    for (const [name, kept] of this.#kept) entries.push([name, metricOf(kept)]);
    return entries;
  }

  /** The metric of this name as it is now. */
  metric(name: string): NodeMetric | undefined {
    const kept = this.#kept.get(name);
    return kept && metricOf(kept);
  }

  /** UTF-16 units of all names and texts, and 8 for each number. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Another after each answer, and another for each node: what was rendered of the same version is still right. */
  get version(): number {
    return this.#version;
  }

  /** Values that did not fit, since the connection began. */
  get refused(): number {
    return this.#refused;
  }

  #set(name: string, kind: KeptMetric["kind"], value: KeptMetric["value"]): void {
    const kept = this.#find(name);
    // An update counts only the difference, so a number, always of the same size, can be updated at the limit.
    const growth = sizeOf(value) + (kept === undefined ? name.length : -sizeOf(kept.value));
    if (growth > 0 && this.#bytes + growth > this.#maxBytes) {
      this.#refused += 1;
      return;
    }
    this.#bytes += growth;
    if (kept === undefined) {
      this.#kept.set(name, { name, kind, value, next: undefined });
    } else {
      kept.kind = kind;
      kept.value = value;
    }
  }

  /** Nodes mostly name the same metrics in the same order; what a map looks at for each, no cache holds after a second. */
  #find(name: string): KeptMetric | undefined {
    const last = this.#last;
    let kept = last?.next;
    if (kept?.name !== name) {
      kept = this.#kept.get(name);
      if (last !== undefined) last.next = kept;
    }
    this.#last = kept;
    return kept;
  }
}

function metricOf({ kind, value }: KeptMetric): NodeMetric {
  return kind === "label" ? { kind, value: value as string } : { kind, value: BigInt(value) };
}

function sizeOf(value: KeptMetric["value"]): number {
  return typeof value === "string" ? value.length : 8;
}
