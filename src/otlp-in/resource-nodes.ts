import { createHash } from "node:crypto";
import type { InnerNode } from "../inner-nodes/inner-node.js";
import { textOf } from "./any-value.js";
import { type MetricsShare, ResourceMetrics } from "./resource-metrics.js";
import type { Resource } from "./schema.js";

/** Most resources at a time; a further one replaces the one that has been silent longest. */
const maxResources = 1_000;
/** A resource that sends nothing for this long has left, in milliseconds. */
const idleMs = 15 * 60_000;
/** How often that is checked. */
const lookMs = 60_000;

/** SDKs invent an instance id at each start: a directory for each would be useless. Two at a time are handled like any nodes of one name. */
const madeUp = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Characters of a name or version that are used; the rules for names shorten it further. */
const maxNameLength = 1_024;
/** Longer keys are hashed. */
const maxKeyLength = 4_096;

interface ResourceInfo {
  readonly name: string;
  readonly version: string;
}

export interface ResourceNodesOptions {
  readonly open: (info: ResourceInfo, peer: string) => InnerNode;
  /** Whether a node of this name may connect from this peer: new names are limited. */
  readonly admits: (name: string, peer: string) => Promise<boolean>;
  readonly maxMetricsPerNode: number;
  /** Opens a share of the metrics' memory for a node; it is closed when the node has ended. */
  readonly joinMetrics: () => MetricsShare;
}

export interface ResourceNode {
  readonly inner: InnerNode;
  readonly metrics: ResourceMetrics;
}

interface Entry extends ResourceNode {
  usedAt: number;
}

/** The node of each resource: it starts with the first request and ends after a while of silence. */
export class ResourceNodes {
  readonly #options: ResourceNodesOptions;
  /** By service, the one that has been silent longest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #looking = setInterval(() => this.#look(), lookMs).unref();

  constructor(options: ResourceNodesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `busy` if all resources are busy and there are too many. One that is replaced has ended before the new one starts. */
  async of(resource: Resource | undefined, peer: string): Promise<ResourceNode | "busy" | "refused"> {
    const attributes = resource?.attributes ?? [];
    const service = textOf(attributes, "service.name") ?? "unknown_service";
    const instance = textOf(attributes, "service.instance.id");
    // Namespace and instance distinguish services of the same name.
    const key = keyOf(textOf(attributes, "service.namespace"), service, instance);
    let known = this.#known(key);
    if (known !== undefined) return known;
    const isNamed = instance !== undefined && !madeUp.test(instance);
    const name = (isNamed ? `${service}-${instance}` : service).slice(0, maxNameLength);
    // Checked first, because starting a node takes time, wasted if it will not get its name.
    if (!(await this.#options.admits(name, peer))) return "refused";
    // Another request may have started it meanwhile.
    known = this.#known(key);
    while (known === undefined && this.#entries.size >= maxResources) {
      if (!(await this.#dismissOne())) return "busy";
      known = this.#known(key);
    }
    if (known !== undefined) return known;
    const version = textOf(attributes, "service.version")?.slice(0, maxNameLength) ?? "";
    const inner = this.#options.open({ name, version }, peer);
    const share = this.#options.joinMetrics();
    void inner.ended.then(() => share.leave());
    const metrics = new ResourceMetrics(inner.metrics, this.#options.maxMetricsPerNode, share);
    const entry = { inner, metrics, usedAt: performance.now() };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Ends all nodes. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#looking);
    await Promise.all([...this.#entries.values()].map(({ inner }) => inner.stop()));
    this.#entries.clear();
  }

  #known(key: string): ResourceNode | undefined {
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    if (known?.inner.hasEnded !== false) return undefined;
    known.usedAt = performance.now();
    this.#entries.set(key, known);
    return known;
  }

  async #dismissOne(): Promise<boolean> {
    for (const [key, { inner }] of this.#entries) {
      if (inner.isBusy) continue;
      this.#entries.delete(key);
      await inner.stop();
      return true;
    }
    return false;
  }

  #look(): void {
    const now = performance.now();
    for (const [key, { inner, usedAt }] of this.#entries) {
      if (!inner.hasEnded && (inner.isBusy || now - usedAt < idleMs)) continue;
      this.#entries.delete(key);
      void inner.stop();
    }
  }
}

function keyOf(...words: readonly (string | undefined)[]): string {
  const key = JSON.stringify(words);
  return key.length > maxKeyLength ? createHash("sha256").update(key).digest("base64") : key;
}
