import { settledWithin } from "../../base/deadline.js";
import type { NodeIdentity } from "../../nodes/identity.js";
import { SpareMemory } from "../../protocol/spare-memory.js";
import type { ConnectedNodes, SinkHealth, SinkMetric } from "../sink.js";
import type { SinkLog } from "../sink-kind.js";
import type { Collector } from "./collector.js";
import { NodeSender, type SenderObserver } from "./node-sender.js";

export interface SendersOptions {
  readonly collector: Collector;
  readonly where: string;
  readonly version: string;
  readonly serviceNamespace?: string | undefined;
  readonly batchObjects: number;
  readonly batchBytes: number;
  readonly delayMs: number;
  /** Whether the sink is a required one. */
  readonly isRequired: boolean;
  readonly log: SinkLog;
}

/** Shortest time between log lines about the same problem, in milliseconds; health shows a rejection for as long. */
const quietMs = 60_000;
/** How long a node may take to answer with its version. */
const askMs = 10_000;
/** How often memory that has not been used since is released. */
const releaseEveryMs = 10_000;
/** Health ignores failures shorter than this. */
const failingAfterMs = 2_000;

/** A sender for each node, and what they share: memory, counts, and the health of the collector. */
export class Senders {
  /** Memory for records, given back once they are sent. */
  readonly memory = new SpareMemory();
  readonly #options: SendersOptions;
  readonly #releasing = setInterval(() => this.memory.releaseUnused(), releaseEveryMs).unref();
  readonly #senders = new Map<string, NodeSender>();
  /** Connection ids of connected nodes, by name. */
  readonly #connections = new Map<string, string>();
  readonly #versions = new Map<string, string>();
  readonly #hosts = new Map<string, string>();
  readonly #stopping = new AbortController();
  readonly #startedAt = Date.now();
  readonly #counts = { requests: 0, records: 0, bytes: 0, retries: 0 };
  #nodes: ConnectedNodes | undefined;
  #failingSince: number | undefined;
  #failure = "";
  #isFailureLogged = false;
  #lastRejectionAt = Number.NEGATIVE_INFINITY;
  #rejection = "";
  readonly #warnedAt = new Map<string, number>();

  constructor(options: SendersOptions) {
    this.#options = options;
  }

  begin(nodes: ConnectedNodes): void {
    this.#nodes = nodes;
  }

  /** Asks a newly connected node for its version. */
  open(node: NodeIdentity): void {
    this.#connections.set(node.name, node.connectionId);
    void this.#learnVersion(node);
  }

  of(node: NodeIdentity, host: string): NodeSender {
    this.#hosts.set(node.name, host);
    let sender = this.#senders.get(node.name);
    if (sender === undefined) {
      const { version, batchObjects, batchBytes, delayMs, collector } = this.#options;
      sender = new NodeSender({
        version,
        batchObjects,
        batchBytes,
        delayMs,
        resource: () => this.#resourceOf(node),
        post: (message, signal) => collector.post(message, signal),
        observer: this.observer,
        giveBack: (memory) => this.memory.giveBack(memory),
        signal: this.#stopping.signal,
      });
      this.#senders.set(node.name, sender);
    }
    return sender;
  }

  /** The node has left; its queued records are still sent. */
  close({ name, connectionId }: NodeIdentity): void {
    if (this.#connections.get(name) === connectionId) this.#connections.delete(name);
    void this.drained({ name }).then(() => {
      // It may have reconnected meanwhile.
      if (this.#connections.has(name) || this.#senders.get(name)?.isIdle === false) return;
      this.#senders.delete(name);
      this.#versions.delete(name);
      this.#hosts.delete(name);
    });
  }

  async drained({ name }: Pick<NodeIdentity, "name">): Promise<void> {
    await this.#senders.get(name)?.drained();
  }

  metrics(): SinkMetric[] {
    const counter = (name: string, help: string, read: () => number): SinkMetric => ({
      name: `muninn_otlp_${name}_total`,
      help,
      type: "counter",
      read: () => [[{}, read()]],
    });
    return [
      counter("requests", "Requests that the collector has accepted.", () => this.#counts.requests),
      counter("records", "Log records that the collector has accepted.", () => this.#counts.records),
      counter(
        "sent_bytes",
        "Bytes of requests that the collector has accepted, before compression.",
        () => this.#counts.bytes,
      ),
      counter(
        "retries",
        "Requests that were sent again; the collector may have their records twice.",
        () => this.#counts.retries,
      ),
    ];
  }

  health(): SinkHealth {
    const { where, isRequired } = this.#options;
    const since = this.#failingSince;
    if (since !== undefined && Date.now() - since >= failingAfterMs) {
      return {
        state: isRequired ? "failing" : "degraded",
        since,
        reason: `${where} does not accept log records, retrying: ${this.#failure}`,
        action: isRequired
          ? "Start the collector, or fix its address or credentials. Nothing is lost: nodes are not asked for more until then."
          : "Start the collector, or fix its address or credentials. Its queue is bounded, and the oldest objects are dropped first.",
      };
    }
    if (performance.now() - this.#lastRejectionAt < quietMs) {
      return {
        state: "degraded",
        since: this.#startedAt,
        reason: `${where} rejects log records for good: ${this.#rejection}`,
        action: "See the collector's own log for the reason: credentials, size limits, or an unknown format.",
      };
    }
    return { state: "ok", since: this.#startedAt };
  }

  async stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    const all = Promise.all([...this.#senders.values()].map((sender) => sender.drained()));
    await settledWithin(all, deadlineMs);
    this.#stopping.abort();
    await all;
    this.#options.collector.stop();
    clearInterval(this.#releasing);
  }

  /** What senders tell of their requests. */
  get observer(): SenderObserver {
    const { log, where } = this.#options;
    return {
      sent: (records, bytes) => {
        this.#counts.requests += 1;
        this.#counts.records += records;
        this.#counts.bytes += bytes;
        this.#failingSince = undefined;
        // A failure that the log left out has no end there either: a collector may fail at every other request.
        if (this.#isFailureLogged)
          log.notice("otlp_recovered", `${where} accepts log records again`, { where });
        this.#isFailureLogged = false;
      },
      retrying: (reason) => {
        this.#counts.retries += 1;
        this.#failingSince ??= Date.now();
        this.#failure = reason;
        if (this.#warn("otlp_failed", `${where} does not accept log records, retrying: ${reason}`))
          this.#isFailureLogged = true;
      },
      warned: (message) =>
        void this.#warn("otlp_warned", `${where} accepts log records, but says: ${message}`),
      rejected: (records, reason) => {
        this.#failingSince = undefined;
        this.#lastRejectionAt = performance.now();
        this.#rejection = reason === "" ? "it gave no reason" : reason;
        this.#warn("otlp_rejected", `${where} rejected ${records} log records for good: ${this.#rejection}`);
      },
    };
  }

  /** Returns whether the line was written. */
  #warn(event: string, message: string): boolean {
    const now = performance.now();
    if (now - (this.#warnedAt.get(event) ?? Number.NEGATIVE_INFINITY) < quietMs) return false;
    this.#warnedAt.set(event, now);
    this.#options.log.warning(event, message, { where: this.#options.where });
    return true;
  }

  #resourceOf({ name }: NodeIdentity): Record<string, string> {
    const { serviceNamespace } = this.#options;
    const [host, version] = [this.#hosts.get(name), this.#versions.get(name)];
    return {
      "service.name": name,
      ...(serviceNamespace !== undefined && { "service.namespace": serviceNamespace }),
      ...(version !== undefined && { "service.version": version }),
      ...(host !== undefined && host !== "" && { "host.name": host }),
    };
  }

  async #learnVersion({ name, connectionId }: NodeIdentity): Promise<void> {
    // The node is listed only after the caller of `open` has returned.
    await undefined;
    for (const { node, session } of this.#nodes?.nodes() ?? []) {
      if (node.connectionId !== connectionId) continue;
      const info = (await session.dataPoints(["NodeInfo"], askMs))?.get("NodeInfo");
      const version = info === undefined ? undefined : versionIn(info);
      if (version !== undefined) this.#versions.set(name, version);
    }
  }
}

function versionIn(info: Uint8Array): string | undefined {
  try {
    const { niVersion } = JSON.parse(Buffer.from(info).toString("utf8")) as { niVersion?: unknown };
    return typeof niVersion === "string" && niVersion !== "" ? niVersion.slice(0, 256) : undefined;
  } catch {
    return undefined;
  }
}
