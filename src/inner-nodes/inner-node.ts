import { ObjectQueue } from "../forwarder/object-queue.js";
import { type RunningForwarder, startForwarder } from "../forwarder/start-forwarder.js";
import { nodeInfoName } from "../nodes/node-info.js";
import type { MetricValue } from "../protocol/metrics.js";
import type { RunConnection } from "../transport/connection.js";
import { streamPair } from "./stream-pair.js";

/** The outcome for objects: `failed` if a required sink gave them up, or the node has ended; `refused` if its name was refused. */
export type Settlement = "safe" | "failed" | "refused";

export interface InnerNodeOptions {
  /** Id of its connection, unique among all. */
  readonly id: string;
  /** The address it counts under, for limits per peer. */
  readonly peer: string;
  readonly info: { readonly name: string; readonly protocol: string; readonly version: string };
  readonly magic: number;
  readonly run: RunConnection;
}

/** Objects that were added together and are not all settled. */
interface Waiter {
  /** How many objects the node had before them, and has with them. */
  readonly from: number;
  readonly to: number;
  failed: boolean;
  readonly resolve: (settlement: Settlement) => void;
}

/**
 * A node inside this process: a forwarder at the other end of a connection like any other, so that names, limits and the
 * handling of its objects are the same as for every node.
 */
export class InnerNode {
  /** By internal name, suffix included. */
  readonly metrics = new Map<string, MetricValue>();
  /** Resolves when its connection has ended. */
  readonly ended: Promise<void>;
  /** Resolves once it is decided whether the node gets its name: new names are limited. */
  readonly isAdmitted: Promise<boolean>;
  readonly #queue = new ObjectQueue();
  readonly #forwarder: Promise<RunningForwarder>;
  #waiters: Waiter[] = [];
  #added = 0;
  #settled = 0;
  #wasNamed = false;
  #decide!: (isAdmitted: boolean) => void;
  #hasEnded = false;

  constructor({ id, peer, info, magic, run }: InnerNodeOptions) {
    this.isAdmitted = new Promise((resolve) => {
      this.#decide = resolve;
    });
    const [ours, tracers] = streamPair();
    const startTime = new Date().toISOString();
    const nodeInfo = Buffer.from(
      JSON.stringify({
        niName: info.name,
        niProtocol: info.protocol,
        niVersion: info.version,
        niCommit: "",
        niStartTime: startTime,
        niSystemStartTime: startTime,
      }),
    );
    const queue = this.#queue;
    const source = {
      metrics: this.metrics,
      dataPoints: { get: (name: string) => (name === nodeInfoName ? nodeInfo : undefined) },
      get isOver() {
        return queue.isOver;
      },
      takeNow: (count: number) => queue.takeNow(count),
      take: (count: number, signal: AbortSignal) => queue.take(count, signal),
    };
    this.#forwarder = startForwarder({
      source,
      magic,
      network: { mode: "stream", stream: ours, side: "opener" },
    });
    const nodeName = info.name === "" ? {} : { nodeName: info.name };
    this.ended = run({ id, peer, opener: "peer", stream: tracers, chunks: "given", ...nodeName }).then(() =>
      this.#end(),
    );
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether any added objects are not settled. */
  get isBusy(): boolean {
    return this.#waiters.length > 0;
  }

  /** Adds encoded trace objects, which are kept until they are settled; resolves then. */
  add(objects: readonly Uint8Array[]): Promise<Settlement> {
    if (objects.length === 0) return Promise.resolve("safe");
    if (this.#hasEnded) return Promise.resolve("failed");
    const from = this.#added;
    this.#added += objects.length;
    const to = this.#added;
    const settled = new Promise<Settlement>((resolve) => {
      this.#waiters.push({ from, to, failed: false, resolve });
    });
    this.#queue.add(objects);
    return settled;
  }

  /** Called when the node has its name. */
  named(): void {
    this.#wasNamed = true;
    this.#decide(true);
  }

  /** Called when this many more objects, in the order they were added, are safe or never will be. */
  settled(objects: number, isSafe: boolean): void {
    const before = this.#settled;
    this.#settled += objects;
    if (!isSafe)
      for (const waiter of this.#waiters)
        if (waiter.from < this.#settled && waiter.to > before) waiter.failed = true;
    while (this.#waiters.length > 0 && this.#waiters[0]!.to <= this.#settled) {
      const { failed, resolve } = this.#waiters.shift()!;
      resolve(failed ? "failed" : "safe");
    }
  }

  /** Ends the connection; objects not received by then are dropped. Idempotent. */
  async stop(): Promise<void> {
    this.#queue.end();
    await (await this.#forwarder).stop();
    await this.ended;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#decide(false);
    for (const { resolve } of this.#waiters.splice(0)) resolve(this.#wasNamed ? "failed" : "refused");
  }
}
