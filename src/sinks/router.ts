import type { NodeIdentity } from "../nodes/identity.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import { Accounting, countDropped } from "./accounting.js";
import type { Sink } from "./sink.js";

/** Told of each batch that a sink is given; what it returns is called when the batch is settled. */
export type WatchWrites = (sink: Sink, objects: number) => (isSafe: boolean) => void;

const watchNothing: WatchWrites = () => () => {};

/** Hands each batch to every sink and settles when each has made it safe by its own promise. */
export class Router {
  readonly accounting = new Accounting();
  readonly sinks: readonly Sink[];
  readonly #watch: WatchWrites;

  constructor(sinks: readonly Sink[], watch: WatchWrites = watchNothing) {
    this.sinks = sinks;
    this.#watch = watch;
  }

  open(node: NodeIdentity): void {
    this.accounting.open(node);
    for (const sink of this.sinks) sink.open(node);
  }

  /**
   * Resolves with whether the batch is safe at every sink. Never rejects: what a sink will never have is counted as
   * dropped.
   */
  async write(node: NodeIdentity, batch: TraceBatch): Promise<boolean> {
    const areSafe = await Promise.all(this.sinks.map((sink) => this.#writeTo(sink, node, batch)));
    return !areSafe.includes(false);
  }

  /** Resolves when nothing received for this node, by whichever connection, is still on its way. */
  async drained(node: NodeIdentity): Promise<void> {
    await Promise.all(this.sinks.map((sink) => sink.drained(node)));
  }

  close(node: NodeIdentity): void {
    for (const sink of this.sinks) sink.close(node);
    this.accounting.close(node);
  }

  /** Whether every sink makes safe what it is given without delay. */
  keepingUp(): boolean {
    return this.sinks.every((sink) => sink.health().state === "ok");
  }

  async #writeTo(sink: Sink, node: NodeIdentity, batch: TraceBatch): Promise<boolean> {
    const { length } = batch;
    const account = this.accounting.of(node, sink.name);
    account.received += length;
    account.batches += 1;
    account.bytes += batch.receivedBytes;
    const settled = this.#watch(sink, length);
    // An account with objects under way is never folded away, so the same one is there at the end.
    try {
      await sink.write(node, batch);
      account.written += length;
      settled(true);
      return true;
    } catch {
      // The one way for a sink to give up on a batch is to be stopped.
      countDropped(account, "stopped", length);
      settled(false);
      return false;
    }
  }
}
