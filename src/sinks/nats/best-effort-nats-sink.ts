import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import { BestEffortQueue } from "../best-effort-queue.js";
import type { BestEffortSink, ObjectAccount, SinkHealth, SinkMetric } from "../sink.js";
import type { WaitingObjects } from "./node-sender.js";
import type { NatsSinkOptions } from "./required-nats-sink.js";

/** Sends what the stream accepts in time; otherwise the oldest waiting objects are dropped. */
export class BestEffortNatsSink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name: string;
  readonly metrics: readonly SinkMetric[];
  readonly #options: NatsSinkOptions;
  readonly #accounts = new Map<string, ObjectAccount>();
  readonly #queue: BestEffortQueue<WaitingObjects>;
  #isStopped = false;

  constructor(options: NatsSinkOptions & { readonly queueBytes: number }) {
    this.#options = options;
    this.#queue = new BestEffortQueue(options.queueBytes);
    this.name = options.name;
    this.metrics = [
      ...options.senders.writer.metrics(),
      {
        name: "muninn_nats_queue_bytes",
        help: "Bytes of trace objects that wait for the stream, if the sink is not required.",
        type: "gauge",
        read: () => [[{}, this.#queue.bytes]],
      },
    ];
  }

  open(node: NodeIdentity, account: ObjectAccount): void {
    this.#accounts.set(node.name, account);
  }

  offer(node: NodeIdentity, batch: TraceBatch): void {
    const account = this.#accounts.get(node.name)!;
    const objects = copied(batch);
    // Only now: if anything before failed, the router would count the batch.
    account.received(batch.length, batch.receivedBytes);
    if (this.#isStopped) {
      account.dropped("stopped", batch.length);
      return;
    }
    const sender = this.#options.senders.of(node);
    const bytes = objects.reduce((sum, { length }) => sum + length, 0);
    const waiting = sender.send(objects, bytes, (dropped) => this.#queue.settle(waiting, dropped));
    this.#queue.add(waiting, { objects: batch.length, bytes, sender, account });
  }

  close(node: NodeIdentity): void {
    this.#options.senders.close(node);
    // Waiting objects still use the account.
    this.#accounts.delete(node.name);
  }

  health(): SinkHealth {
    return this.#options.senders.writer.health();
  }

  reload(): Promise<void> {
    return this.#options.reload();
  }

  async stop(options: { readonly deadlineMs: number }): Promise<void> {
    this.#isStopped = true;
    await this.#options.senders.stop(options);
  }
}

/** Copies the objects of a batch, whose bytes belong to somebody else. */
function copied(batch: TraceBatch): Uint8Array[] {
  const bytes = Buffer.concat(Array.from({ length: batch.length }, (_, index) => batch.encoded(index)));
  let at = 0;
  return Array.from({ length: batch.length }, (_, index) => {
    const start = at;
    at += batch.encoded(index).length;
    return bytes.subarray(start, at);
  });
}
