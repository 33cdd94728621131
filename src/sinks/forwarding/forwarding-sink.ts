import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import type { DropReason } from "../drop-reasons.js";
import type { BestEffortSink, ConnectedNodes, ObjectAccount, SinkHealth, SinkMetric } from "../sink.js";
import type { SinkLog } from "../sink-kind.js";
import { Downstreams } from "./downstreams.js";
import type { NamespaceFilter } from "./namespace-filter.js";
import { nodeAnswers } from "./node-answers.js";
import type { ServeDownstreams } from "./serve-downstreams.js";

export interface ForwardingSinkOptions {
  readonly passes: NamespaceFilter;
  readonly queueSize: number;
  readonly queueBytes: number;
  readonly name?: string | undefined;
  readonly metrics: boolean;
  readonly dataPoints: boolean;
  readonly version: string;
  readonly log: SinkLog;
  /** Connects to downstream tracers, or listens for them. */
  readonly serve: ServeDownstreams;
  /** Milliseconds that never go backwards. @default performance.now */
  readonly now?: () => number;
}

/** Shortest time between reports of drops, in milliseconds; health shows a drop for as long. */
const quietMs = 60_000;

/** Forwards trace objects unchanged to downstream tracers. Objects not asked for in time are dropped, the oldest first. */
export class ForwardingSink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name = "forwarding";
  readonly #options: ForwardingSinkOptions;
  readonly #now: () => number;
  readonly #accounts = new Map<string, ObjectAccount>();
  readonly #downstreams: Downstreams;
  readonly #serving: { stop(): Promise<void> };
  readonly #dropped = new Map<DropReason, number>([
    ["queue-full", 0],
    ["receiver-left", 0],
    ["stopped", 0],
  ]);
  readonly #startedAt = Date.now();
  #nodes: ConnectedNodes | undefined;
  #cutMetrics = 0;
  #lastDropAt = Number.NEGATIVE_INFINITY;
  #lastDropWallClock = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #unreported = 0;
  #stopped = false;

  constructor(options: ForwardingSinkOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const { name, metrics, dataPoints, version } = options;
    this.#downstreams = new Downstreams({
      queueSize: options.queueSize,
      queueBytes: options.queueBytes,
      answers: nodeAnswers({
        name,
        metrics,
        dataPoints,
        version,
        nodes: () => this.#nodes,
        onCut: (cut) => this.#metricsCut(cut),
      }),
      onDropped: (reason, objects) => this.#droppedSome(reason, objects),
    });
    this.#serving = options.serve(() => this.#downstreams.connect());
  }

  get metrics(): readonly SinkMetric[] {
    const gauge = (name: string, help: string, read: () => number): SinkMetric => ({
      name: `muninn_forwarding_${name}`,
      help,
      type: "gauge",
      read: () => [[{}, read()]],
    });
    const { waiting, connected } = {
      waiting: () => this.#downstreams.waiting,
      connected: () => this.#downstreams.connected,
    };
    return [
      gauge("downstreams", "Downstream tracers connected now.", connected),
      gauge(
        "queue_objects",
        "Trace objects that wait for downstream tracers, counted once for each tracer.",
        () => waiting().objects,
      ),
      gauge(
        "queue_bytes",
        "Bytes of trace objects that wait for downstream tracers, each counted once.",
        () => waiting().bytes,
      ),
      {
        name: "muninn_forwarding_queue_dropped_total",
        help: "Trace objects that a downstream tracer did not receive, counted once for each tracer, by reason.",
        type: "counter",
        labelNames: ["reason"],
        read: () => [...this.#dropped].map(([reason, count]) => [{ reason }, count] as const),
      },
    ];
  }

  begin(nodes: ConnectedNodes): void {
    this.#nodes = nodes;
  }

  open({ name }: NodeIdentity, account: ObjectAccount): void {
    this.#accounts.set(name, account);
  }

  offer({ name }: NodeIdentity, batch: TraceBatch): void {
    const { passes } = this.#options;
    const account = this.#accounts.get(name)!;
    const objects: Uint8Array[] = [];
    let bytes = 0;
    for (let index = 0; index < batch.length; index += 1) {
      if (!passes(batch.namespace(index))) continue;
      // Copied, because the batch's memory is reused. `slice` of a Buffer would be a view.
      const object = new Uint8Array(batch.encoded(index));
      bytes += object.length;
      objects.push(object);
    }
    if (objects.length === 0) return;
    account.received(objects.length, bytes);
    if (this.#stopped) account.dropped("stopped", objects.length);
    else this.#downstreams.add(objects, account);
  }

  close({ name }: NodeIdentity): void {
    // Queued objects keep their account.
    this.#accounts.delete(name);
  }

  health(): SinkHealth {
    if (this.#now() - this.#lastDropAt > quietMs) return { state: "ok", since: this.#startedAt };
    const sum = this.#dropped.get("queue-full")! + this.#dropped.get("receiver-left")!;
    const { connected } = this.#downstreams;
    return {
      state: "degraded",
      since: this.#lastDropWallClock,
      reason: `${connected === 0 ? "no downstream tracer is connected" : "a downstream tracer asks too slowly"}; ${sum} objects were not forwarded so far`,
      action:
        connected === 0
          ? "Start the downstream tracer, or remove hasForwarding. Files are not affected."
          : "Raise queueSize in hasForwarding, or make the downstream tracer faster. Files are not affected.",
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#serving.stop();
    this.#downstreams.stop();
  }

  #droppedSome(reason: DropReason, objects: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + objects);
    if (this.#stopped) return;
    this.#unreported += objects;
    const now = this.#now();
    this.#lastDropAt = now;
    this.#lastDropWallClock = Date.now();
    if (now - this.#reportedAt < quietMs) return;
    this.#reportedAt = now;
    this.#options.log.warning(
      "forwarding_dropped",
      `${this.#unreported} objects were not forwarded: ${reason === "queue-full" ? "the queue was full" : "the downstream tracer has left"}`,
      { objects: this.#unreported, reason, downstreams: this.#downstreams.connected },
    );
    this.#unreported = 0;
  }

  #metricsCut(cut: number): void {
    if (this.#cutMetrics === 0)
      this.#options.log.warning(
        "forwarding_metrics_cut",
        `${cut} metrics did not fit in an answer of 1 MiB and are not forwarded; fewer nodes behind one tracer would help`,
        { metrics: cut },
      );
    this.#cutMetrics = cut;
  }
}
