import type { NodeIdentity } from "../nodes/identity.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import { Accounting } from "./accounting.js";
import type { DropReason } from "./drop-reasons.js";
import {
  type BestEffortSink,
  type ConnectedNodes,
  type Dropped,
  type RequiredSink,
  type Sink,
  SinkError,
} from "./sink.js";

/** Called with events of sinks. */
export interface RouterObserver {
  /** A required sink is given a batch; the returned function is called when the batch is settled. */
  writing(sink: RequiredSink, objects: number): (isSafe: boolean) => void;
  /** A sink failed unexpectedly: an error in Muninn. Objects that it lost by that count as `failed`. */
  failed(sink: Sink, error: unknown): void;
}

/** Gives each batch to every sink; settles when each required one has made it safe by its own promise. */
export class Router {
  readonly accounting = new Accounting();
  readonly sinks: readonly Sink[];
  readonly #required: readonly RequiredSink[];
  readonly #bestEffort: readonly BestEffortSink[];
  readonly #observer: RouterObserver;

  constructor(sinks: readonly Sink[], observer: RouterObserver) {
    this.sinks = sinks;
    this.#required = sinks.filter((sink) => sink.kind === "required");
    this.#bestEffort = sinks.filter((sink) => sink.kind === "best-effort");
    this.#observer = observer;
  }

  open(node: NodeIdentity): void {
    this.accounting.open(node);
    for (const sink of this.#required) this.#guard(sink, () => sink.open(node));
    for (const sink of this.#bestEffort)
      this.#guard(sink, () => sink.open(node, this.accounting.objectsOf(node, sink.name)));
  }

  /**
   * Resolves with true if no required sink gave up the whole batch. Never rejects: objects that a sink will never have are
   * counted as dropped.
   */
  async write(node: NodeIdentity, batch: TraceBatch): Promise<boolean> {
    const writes = this.#required.map((sink) => this.#writeTo(sink, node, batch));
    for (const sink of this.#bestEffort) this.#offerTo(sink, node, batch);
    let isSafe = true;
    // None of them rejects, so they need no common promise: that would cost a small batch more than its look-ups.
    for (const write of writes) isSafe = (await write) && isSafe;
    return isSafe;
  }

  /** Counts objects that were received but will be given to no sink, at every sink. */
  drop(node: NodeIdentity | undefined, reason: DropReason, objects: number, bytes: number): void {
    for (const { name } of this.sinks) {
      const account = this.accounting.objectsOf(node, name);
      account.received(objects, bytes);
      account.dropped(reason, objects);
    }
  }

  /** Resolves when nothing received for this node, over any of its connections, is still on its way. */
  async drained(node: NodeIdentity): Promise<void> {
    await Promise.all(
      this.#required.map((sink) => sink.drained(node).catch((error) => this.#observer.failed(sink, error))),
    );
  }

  close(node: NodeIdentity): void {
    for (const sink of this.sinks) this.#guard(sink, () => sink.close(node));
    this.accounting.close(node);
  }

  /** Objects that required sinks had accepted and gave up at a stop, or lost through an error: they decide the exit code. */
  unwritten(): number {
    const required = new Set(this.#required.map(({ name }) => name));
    let sum = 0;
    for (const [, sink, { dropped }] of this.accounting.entries()) {
      if (required.has(sink)) sum += (dropped.get("stopped") ?? 0) + (dropped.get("failed") ?? 0);
    }
    return sum;
  }

  /** Whether every required sink makes its objects safe without delay. */
  keepingUp(): boolean {
    return this.#required.every((sink) => sink.health().state !== "failing");
  }

  /** Called once everything else is open. */
  begin(nodes: ConnectedNodes): void {
    for (const sink of this.sinks) this.#guard(sink, () => sink.begin?.(nodes));
  }

  /** Makes every sink read its credentials again. @throws the first error; the other sinks have read theirs */
  async reload(): Promise<void> {
    const reloads = await Promise.allSettled(this.sinks.map((sink) => sink.reload?.()));
    for (const reload of reloads) if (reload.status === "rejected") throw reload.reason;
  }

  /** Stops every sink, all at once, see `Sink.stop`. Idempotent. */
  async stop(options: { readonly deadlineMs: number }): Promise<void> {
    const stops = await Promise.allSettled(this.sinks.map((sink) => sink.stop(options)));
    for (const [index, stop] of stops.entries()) {
      if (stop.status === "rejected") this.#observer.failed(this.sinks[index]!, stop.reason);
    }
  }

  async #writeTo(sink: RequiredSink, node: NodeIdentity, batch: TraceBatch): Promise<boolean> {
    const { length } = batch;
    const account = this.accounting.of(node, sink.name);
    account.received += length;
    account.batches += 1;
    account.bytes += batch.receivedBytes;
    const settled = this.#observer.writing(sink, length);
    // An account with unsettled objects is never merged into another, so it is still the same at the end.
    try {
      const dropped = await sink.write(node, batch);
      account.written += length - (dropped === undefined ? 0 : this.accounting.drop(account, dropped));
      settled(true);
      return true;
    } catch (error) {
      this.accounting.drop(account, { [this.#reasonOf(sink, error)]: length });
      settled(false);
      return false;
    }
  }

  #offerTo(sink: BestEffortSink, node: NodeIdentity, batch: TraceBatch): void {
    try {
      sink.offer(node, batch);
    } catch (error) {
      const account = this.accounting.objectsOf(node, sink.name);
      account.received(batch.length, batch.receivedBytes);
      account.dropped(this.#reasonOf(sink, error), batch.length);
    }
  }

  /** An error in one sink disturbs neither the others nor the node. */
  #guard(sink: Sink, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#observer.failed(sink, error);
    }
  }

  #reasonOf(sink: Sink, error: unknown): keyof Dropped {
    if (error instanceof SinkError) return error.reason;
    this.#observer.failed(sink, error);
    return "failed";
  }
}
