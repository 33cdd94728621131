import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import type { Dropped, RequiredSink, SinkHealth, SinkMetric } from "../sink.js";
import type { Senders } from "./senders.js";

export interface NatsSinkOptions {
  readonly name: string;
  readonly senders: Senders;
  /** Reads certificates and credentials again. */
  readonly reload: () => Promise<void>;
}

/** A batch is safe when the stream has acknowledged it. */
export class RequiredNatsSink implements RequiredSink {
  readonly kind = "required";
  readonly whenStuck =
    "Check the NATS servers and the way to them. Nothing is lost: sending continues when they answer.";
  readonly name: string;
  readonly metrics: readonly SinkMetric[];
  readonly #options: NatsSinkOptions;

  constructor(options: NatsSinkOptions) {
    this.#options = options;
    this.name = options.name;
    this.metrics = options.senders.writer.metrics();
  }

  open(): void {
    // The first batch has everything needed.
  }

  write(node: NodeIdentity, batch: TraceBatch): Promise<Dropped> {
    const objects = Array.from({ length: batch.length }, (_, index) => batch.encoded(index));
    return new Promise((settle) => this.#options.senders.of(node).send(objects, batch.receivedBytes, settle));
  }

  drained(node: NodeIdentity): Promise<void> {
    return this.#options.senders.drained(node);
  }

  close(node: NodeIdentity): void {
    this.#options.senders.close(node);
  }

  health(): SinkHealth {
    return this.#options.senders.writer.health();
  }

  reload(): Promise<void> {
    return this.#options.reload();
  }

  stop(options: { readonly deadlineMs: number }): Promise<void> {
    return this.#options.senders.stop(options);
  }
}
