import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import type { DropReason } from "../drop-reasons.js";
import type { ConnectedNodes, Dropped, RequiredSink, SinkHealth, SinkMetric } from "../sink.js";
import { type BodyForm, encodeBatch } from "./log-records.js";
import type { Senders } from "./senders.js";

export interface OtlpSinkOptions {
  readonly name: string;
  readonly senders: Senders;
  readonly body: BodyForm;
  readonly batchObjects: number;
  readonly batchBytes: number;
  /** Reads certificates and headers again. */
  readonly reload: () => Promise<void>;
}

/** A batch is safe when the collector has accepted it. */
export class RequiredOtlpSink implements RequiredSink {
  readonly kind = "required";
  readonly whenStuck =
    "Check the collector and the way to it. Nothing is lost: sending continues when it answers.";
  readonly name: string;
  readonly metrics: readonly SinkMetric[];
  readonly #options: OtlpSinkOptions;

  constructor(options: OtlpSinkOptions) {
    this.#options = options;
    this.name = options.name;
    this.metrics = options.senders.metrics();
  }

  begin(nodes: ConnectedNodes): void {
    this.#options.senders.begin(nodes);
  }

  open(node: NodeIdentity): void {
    this.#options.senders.open(node);
  }

  async write(node: NodeIdentity, batch: TraceBatch): Promise<Dropped> {
    const { senders, body, batchObjects: objects, batchBytes: bytes } = this.#options;
    const sender = senders.of(node, batch.host(0));
    const parts: Promise<Dropped>[] = [];
    for (const records of encodeBatch(batch, { objects, bytes }, body, senders.memory))
      parts.push(new Promise((settle) => sender.send({ ...records, settle })));
    return sumOf(await Promise.all(parts));
  }

  drained(node: NodeIdentity): Promise<void> {
    return this.#options.senders.drained(node);
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

  stop(options: { readonly deadlineMs: number }): Promise<void> {
    return this.#options.senders.stop(options);
  }
}

function sumOf(parts: readonly Dropped[]): Dropped {
  const sum: Partial<Record<DropReason, number>> = {};
  for (const part of parts) {
    for (const [reason, count] of Object.entries(part) as [DropReason, number][])
      sum[reason] = (sum[reason] ?? 0) + count;
  }
  return sum;
}
