import type { InnerNode } from "../inner-nodes/inner-node.js";
import { textOf } from "./any-value.js";
import type { Resource } from "./schema.js";

/** Resources at a time; one that has been silent for longest gives way to a further one. */
const maxResources = 1_000;
/** One that sends nothing for this long has left, in milliseconds. */
const idleMs = 15 * 60_000;
/** How often that is looked at. */
const lookMs = 60_000;

/** SDKs make up an instance at each start: a directory for each would be of no use. Two at a time are told apart as all of one name. */
const madeUp = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

interface ResourceInfo {
  readonly name: string;
  readonly version: string;
}

export interface ResourceNodesOptions {
  readonly open: (info: ResourceInfo, peer: string) => InnerNode;
}

interface Entry {
  readonly node: InnerNode;
  usedAt: number;
}

/** The node of each resource: it comes with the first request and leaves after a while of silence. */
export class ResourceNodes {
  readonly #options: ResourceNodesOptions;
  /** By service, the longest silent first. */
  readonly #entries = new Map<string, Entry>();
  readonly #looking = setInterval(() => this.#look(), lookMs).unref();

  constructor(options: ResourceNodesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Undefined where there are too many that are busy. */
  of(resource: Resource | null | undefined, peer: string): InnerNode | undefined {
    const attributes = resource?.attributes ?? [];
    const service = textOf(attributes, "service.name") ?? "unknown_service";
    const instance = textOf(attributes, "service.instance.id");
    // A service is told from others of its name by these.
    const key = JSON.stringify([textOf(attributes, "service.namespace"), service, instance]);
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    if (known?.node.hasEnded === false) {
      known.usedAt = performance.now();
      this.#entries.set(key, known);
      return known.node;
    }
    if (this.#entries.size >= maxResources && !this.#dismissOne()) return undefined;
    const isNamed = instance !== undefined && !madeUp.test(instance);
    const name = isNamed ? `${service}-${instance}` : service;
    const version = textOf(attributes, "service.version") ?? "";
    const node = this.#options.open({ name, version }, peer);
    this.#entries.set(key, { node, usedAt: performance.now() });
    return node;
  }

  /** Ends all. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#looking);
    await Promise.all([...this.#entries.values()].map(({ node }) => node.stop()));
    this.#entries.clear();
  }

  #dismissOne(): boolean {
    for (const [key, { node }] of this.#entries) {
      if (node.isBusy) continue;
      this.#entries.delete(key);
      void node.stop();
      return true;
    }
    return false;
  }

  #look(): void {
    const now = performance.now();
    for (const [key, { node, usedAt }] of this.#entries) {
      if (!node.hasEnded && (node.isBusy || now - usedAt < idleMs)) continue;
      this.#entries.delete(key);
      void node.stop();
    }
  }
}
