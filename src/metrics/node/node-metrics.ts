/** A metric as a node sends it: a counter or gauge of 64 bits, or a text. */
export type NodeMetric =
  | { readonly kind: "counter" | "gauge"; readonly value: bigint }
  | { readonly kind: "label"; readonly value: string };

/** A metric as it is kept: changed in place, because an object for each value would keep the garbage collector busy. */
interface KeptMetric {
  readonly name: string;
  kind: NodeMetric["kind"];
  /** A bigint only if a number would round it. */
  value: number | bigint | string;
  /** The last answer that contained it; `forgotten` if it is no longer kept. */
  answer: number;
  /** The metric that followed it in the last answer, and usually does again. */
  next: KeptMetric | undefined;
}

const forgotten = -1;

/** The counter that cardano-tracer keeps in each node's store: when the node last answered. */
const serverTimestamp = "ekg.server_timestamp_ms";

/** Memory of a metric in addition to its name and text: the object, its place in the map, a 64-bit number. */
const metricBytes = 140;
/** Longer names and texts are refused; real names have about fifty characters, texts about a hundred. */
const maxNameLength = 256;
const maxTextLength = 16 * 1_024;

/** Versions are unique among all stores, because a node may leave and another of the same name connect. */
let lastVersion = 0;

/**
 * Why a metric was refused: `answer-too-long`: the answer has too many bytes; `too-long`: its name or text; `too-many`: the
 * node has too many; `no-room`: the store, or all stores together, would take too much memory.
 */
export const metricRefusals = ["answer-too-long", "too-long", "too-many", "no-room"] as const;
export type MetricRefusal = (typeof metricRefusals)[number];

export interface NodeMetricsOptions {
  /** Memory that the store may take, in bytes. */
  readonly maxBytes: number;
  /** Most metrics. @default as many as there is room for */
  readonly maxMetrics?: number;
  /** Asks whether it may grow by this many bytes, if many stores share a budget; called for each change, also downwards. */
  readonly mayGrow?: (deltaBytes: number) => boolean;
  /** Called when an answer has ended. */
  readonly onEnd?: () => void;
  /** Called with the number of metrics that were refused. */
  readonly onRefused?: (reason: MetricRefusal, count: number) => void;
}

/**
 * The last known metrics of one node, by internal name. What a node may store here is bounded: the surplus is refused and
 * counted, but numbers already kept are still updated. If there is no room for a new text, the old one is removed, because
 * it would be wrong.
 */
export class NodeMetrics {
  readonly #maxBytes: number;
  readonly #maxMetrics: number;
  readonly #mayGrow: (deltaBytes: number) => boolean;
  readonly #onEnd: (() => void) | undefined;
  readonly #onRefused: NodeMetricsOptions["onRefused"];
  readonly #kept = new Map<string, KeptMetric>();
  #bytes = 0;
  /** The metric that came last. */
  #last: KeptMetric | undefined;
  #answer = 0;
  #isWhole = false;
  #refused = 0;
  #version = ++lastVersion;

  constructor(options: NodeMetricsOptions) {
    this.#maxBytes = options.maxBytes;
    this.#maxMetrics = options.maxMetrics ?? Number.POSITIVE_INFINITY;
    this.#mayGrow = options.mayGrow ?? (() => true);
    this.#onEnd = options.onEnd;
    this.#onRefused = options.onRefused;
  }

  /**
   * An answer of the node has begun; its metrics follow, perhaps not all at once. `whole` says that it contains every metric
   * the node has.
   */
  answered(options: { whole: boolean; nowMs: number }): void {
    this.#version = ++lastVersion;
    this.#answer += 1;
    this.#isWhole = options.whole;
    // A node at its limit still has its timestamp; a metric of the node with that name is ignored.
    this.#keep(serverTimestamp, "counter", Math.trunc(options.nowMs));
  }

  number(name: string, kind: "counter" | "gauge", value: number | bigint): void {
    if (name !== serverTimestamp) this.#keep(name, kind, value);
  }

  label(name: string, text: string): void {
    if (name !== serverTimestamp) this.#keep(name, "label", text);
  }

  /** This many metrics were beyond the limit of an answer. */
  surplus(count: number): void {
    this.#refuse("answer-too-long", count);
  }

  /** The answer has ended: metrics that a whole one did not contain are forgotten now, and not before. */
  end(): void {
    this.#version = ++lastVersion;
    if (this.#isWhole) {
      for (const kept of this.#kept.values()) if (kept.answer !== this.#answer) this.#forget(kept);
    }
    this.#onEnd?.();
  }

  /** All metrics as they are now, in the order in which they first arrived. */
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

  /** All metrics that the node itself has sent, as they are kept: no objects are created, because this is called often. */
  each(take: (name: string, value: number | bigint | string) => void): void {
    for (const { name, value } of this.#kept.values()) if (name !== serverTimestamp) take(name, value);
  }

  /** When the node last answered, in milliseconds since 1970; undefined before. */
  get answeredAtMs(): number | undefined {
    const kept = this.#kept.get(serverTimestamp);
    return kept && Number(kept.value);
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Approximate memory used, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Changes with each answer, and differs between nodes: what was rendered for the same version is still valid. */
  get version(): number {
    return this.#version;
  }

  /** Metrics refused as too many, too long or for lack of room, since the connection began. */
  get refused(): number {
    return this.#refused;
  }

  #keep(name: string, kind: KeptMetric["kind"], value: KeptMetric["value"]): void {
    const kept = this.#find(name);
    const growth = bytesOf(name, value) - (kept === undefined ? 0 : bytesOf(name, kept.value));
    const refusal = growth > 0 ? this.#refusal(name, value, growth, kept === undefined) : undefined;
    if (refusal !== undefined) {
      this.#refuse(refusal, 1);
      if (kept !== undefined) this.#forget(kept);
      return;
    }
    if (growth < 0) this.#mayGrow(growth);
    this.#bytes += growth;
    if (kept === undefined) {
      this.#kept.set(name, { name, kind, value, answer: this.#answer, next: undefined });
      return;
    }
    kept.kind = kind;
    kept.value = value;
    kept.answer = this.#answer;
  }

  /** Why this may not be kept; undefined if it may, and then its memory is reserved. */
  #refusal(
    name: string,
    value: KeptMetric["value"],
    growth: number,
    isNew: boolean,
  ): MetricRefusal | undefined {
    if (isNew && name.length > maxNameLength) return "too-long";
    if (typeof value === "string" && value.length > maxTextLength) return "too-long";
    if (isNew && this.#kept.size >= this.#maxMetrics) return "too-many";
    return this.#bytes + growth <= this.#maxBytes && this.#mayGrow(growth) ? undefined : "no-room";
  }

  #refuse(reason: MetricRefusal, count: number): void {
    this.#refused += count;
    this.#onRefused?.(reason, count);
  }

  #forget(kept: KeptMetric): void {
    const bytes = bytesOf(kept.name, kept.value);
    this.#kept.delete(kept.name);
    kept.answer = forgotten;
    this.#bytes -= bytes;
    this.#mayGrow(-bytes);
  }

  /** Nodes mostly name the same metrics in the same order; what a map reads for each, no cache holds after a second. */
  #find(name: string): KeptMetric | undefined {
    const last = this.#last;
    let kept = last?.next;
    if (kept?.name !== name || kept.answer === forgotten) {
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

/** Memory of a metric; a character of a text has at most two bytes. The timestamp is ours and not counted: every store has it. */
function bytesOf(name: string, value: KeptMetric["value"]): number {
  if (name === serverTimestamp) return 0;
  return metricBytes + name.length + (typeof value === "string" ? 2 * value.length : 0);
}
