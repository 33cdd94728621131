import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import { BestEffortQueue } from "../best-effort-queue.js";
import type {
  BestEffortSink,
  ConnectedNodes,
  Dropped,
  ObjectAccount,
  SinkHealth,
  SinkMetric,
} from "../sink.js";
import { encodeBatch, newMemory } from "./log-records.js";
import type { WaitingRecords } from "./node-sender.js";
import type { OtlpSinkOptions } from "./required-otlp-sink.js";

/** Sends what the collector accepts in time; when the queue is full, the oldest records are dropped. */
export class BestEffortOtlpSink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name: string;
  readonly metrics: readonly SinkMetric[];
  readonly #options: OtlpSinkOptions;
  readonly #accounts = new Map<string, ObjectAccount>();
  readonly #queue: BestEffortQueue<WaitingRecords>;
  #stopped = false;

  constructor(options: OtlpSinkOptions & { readonly queueBytes: number }) {
    this.#options = options;
    this.#queue = new BestEffortQueue(options.queueBytes);
    this.name = options.name;
    this.metrics = [
      ...options.senders.metrics(),
      {
        name: "muninn_otlp_queue_bytes",
        help: "Bytes of log records that wait for the collector, of sinks that are not required.",
        type: "gauge",
        read: () => [[{}, this.#queue.bytes]],
      },
    ];
  }

  begin(nodes: ConnectedNodes): void {
    this.#options.senders.begin(nodes);
  }

  open(node: NodeIdentity, account: ObjectAccount): void {
    this.#accounts.set(node.name, account);
    this.#options.senders.open(node);
  }

  offer(node: NodeIdentity, batch: TraceBatch): void {
    const account = this.#accounts.get(node.name)!;
    const { senders, body, batchObjects: objects, batchBytes: bytes } = this.#options;
    const parts = [...encodeBatch(batch, { objects, bytes }, body, newMemory)];
    // Only now: if anything before failed, the router would count the batch.
    account.received(batch.length, batch.receivedBytes);
    if (this.#stopped) {
      account.dropped("stopped", batch.length);
      return;
    }
    const sender = senders.of(node, batch.host(0));
    for (const records of parts) {
      const waiting = { ...records, settle: (dropped: Dropped) => this.#queue.settle(waiting, dropped) };
      sender.send(waiting);
      this.#queue.add(waiting, { objects: records.count, bytes: records.bytes.length, sender, account });
    }
  }

  close(node: NodeIdentity): void {
    this.#options.senders.close(node);
    // Queued records keep their account.
    this.#accounts.delete(node.name);
  }

  health(): SinkHealth {
    return this.#options.senders.health();
  }

  reload(): Promise<void> {
    return this.#options.reload();
  }

  async stop(options: { readonly deadlineMs: number }): Promise<void> {
    this.#stopped = true;
    await this.#options.senders.stop(options);
  }
}
