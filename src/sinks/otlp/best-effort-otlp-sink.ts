import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import type { DropReason } from "../drop-reasons.js";
import type { BestEffortSink, ConnectedNodes, ObjectAccount, SinkHealth, SinkMetric } from "../sink.js";
import { encodeRecords } from "./log-records.js";
import type { NodeSender, WaitingRecords } from "./node-sender.js";
import type { OtlpSinkOptions } from "./required-otlp-sink.js";

/** Sends what the collector takes in time; of what waits longer the oldest goes. */
export class BestEffortOtlpSink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name: string;
  readonly metrics: readonly SinkMetric[];
  readonly #options: OtlpSinkOptions & { readonly queueBytes: number };
  readonly #accounts = new Map<string, ObjectAccount>();
  /** What waits or is under way, the oldest first, and whose it is. */
  readonly #queue = new Map<WaitingRecords, NodeSender>();
  #bytes = 0;
  #stopped = false;

  constructor(options: OtlpSinkOptions & { readonly queueBytes: number }) {
    this.#options = options;
    this.name = options.name;
    this.metrics = [
      ...options.senders.metrics(),
      {
        name: "muninn_otlp_queue_bytes",
        help: "Bytes of log records that wait for the collector, of sinks that are not required.",
        type: "gauge",
        read: () => [[{}, this.#bytes]],
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
    if (this.#stopped) return;
    const { senders, body, batchObjects: objects, batchBytes: bytes } = this.#options;
    const account = this.#accounts.get(node.name)!;
    account.received(batch.length, batch.receivedBytes);
    const sender = senders.of(node, batch.host(0));
    for (let from = 0; from < batch.length; ) {
      const records = encodeRecords(batch, from, { objects, bytes }, body);
      this.#add(records, sender, account);
      from += records.count;
    }
  }

  close(node: NodeIdentity): void {
    this.#options.senders.close(node);
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

  #add(records: { bytes: Uint8Array; count: number }, sender: NodeSender, account: ObjectAccount): void {
    const waiting: WaitingRecords = {
      ...records,
      settle: (dropped) => {
        this.#queue.delete(waiting);
        this.#bytes -= waiting.bytes.length;
        let written = waiting.count;
        for (const [reason, count] of Object.entries(dropped) as [DropReason, number][]) {
          account.dropped(reason, count);
          written -= count;
        }
        if (written > 0) account.written(written);
      },
    };
    this.#bytes += waiting.bytes.length;
    this.#queue.set(waiting, sender);
    sender.send(waiting);
    for (const [oldest, whose] of this.#queue) {
      if (this.#bytes <= this.#options.queueBytes) break;
      // What is under way stays: it may have arrived.
      if (whose.takeBack(oldest)) oldest.settle({ "queue-full": oldest.count });
    }
  }
}
