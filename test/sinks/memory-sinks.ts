import type { NodeIdentity } from "../../src/nodes/identity.js";
import type { TraceBatch } from "../../src/protocol/trace-batch.js";
import type {
  BestEffortSink,
  ObjectAccount,
  RequiredSink,
  SinkHealth,
  SinkMetric,
} from "../../src/sinks/sink.js";
import type { SinkKind } from "../../src/sinks/sink-kind.js";

// A sink of each kind, as a feature would add one: a folder of code that is added to the single table.

const decoder = new TextDecoder();

/** Keeps every line in memory. */
export class MemorySink implements RequiredSink {
  readonly kind = "required";
  readonly whenStuck = "Wait.";
  readonly name = "memory";
  readonly lines: string[] = [];
  stops = 0;
  readonly metrics: readonly SinkMetric[] = [
    {
      name: "muninn_memory_lines",
      help: "Lines in memory.",
      type: "gauge",
      read: () => [[{}, this.lines.length]],
    },
  ];

  open(): void {}
  close(): void {}
  async drained(): Promise<void> {}

  async write(_: NodeIdentity, batch: TraceBatch): Promise<undefined> {
    this.lines.push(...decoder.decode(batch.machineLines()).split("\n").slice(0, -1));
  }

  health(): SinkHealth {
    return { state: "degraded", since: 0, reason: "memory is short", action: "Buy some." };
  }

  async stop(): Promise<void> {
    this.stops += 1;
  }
}

/** Keeps the first objects as they came, and drops the others. */
export class FirstObjectsSink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name = "first-objects";
  readonly objects: Uint8Array[] = [];
  readonly #most: number;
  #account: ObjectAccount | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  open(_: NodeIdentity, account: ObjectAccount): void {
    this.#account = account;
  }

  offer(_: NodeIdentity, batch: TraceBatch): void {
    this.#account!.received(batch.length, batch.receivedBytes);
    const taken = Math.min(batch.length, this.#most - this.objects.length);
    for (let index = 0; index < taken; index += 1) this.objects.push(batch.encoded(index).slice());
    if (taken > 0) this.#account!.written(taken);
    if (taken < batch.length) this.#account!.dropped("queue-full", batch.length - taken);
  }

  close(): void {}

  health(): SinkHealth {
    return { state: "ok", since: 0 };
  }

  async stop(): Promise<void> {}
}

export function kindOf(sink: MemorySink | FirstObjectsSink): SinkKind<object> {
  return { kind: sink.name, open: async () => [sink] };
}
