import { setTimeout as delay } from "node:timers/promises";
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
  /** Whether what is rejected is lost for good, or a best effort was made. */
  readonly isRequired: boolean;
  readonly log: SinkLog;
}

/** A trouble is told of once in so many milliseconds, and stays in health for as long after its last sign. */
const quietMs = 60_000;
/** How long a node may take to tell its version. */
const askMs = 10_000;
/** How often memory that was not needed since is let go of. */
const releaseEveryMs = 10_000;
/** One that failed for a moment only is no trouble yet. */
const failingAfterMs = 2_000;

/** A sender for each node, what they have in common, and how it stands with the collector. */
export class Senders {
  /** For records; what is lent comes back once they were sent. */
  readonly memory = new SpareMemory();
  readonly #options: SendersOptions;
  readonly #releasing = setInterval(() => this.memory.releaseUnused(), releaseEveryMs).unref();
  readonly #senders = new Map<string, NodeSender>();
  /** Of nodes that are connected, by name. */
  readonly #connections = new Map<string, string>();
  readonly #versions = new Map<string, string>();
  readonly #hosts = new Map<string, string>();
  readonly #stopping = new AbortController();
  readonly #startedAt = Date.now();
  readonly #counts = { requests: 0, records: 0, bytes: 0, retries: 0 };
  #nodes: ConnectedNodes | undefined;
  #failingSince: number | undefined;
  #failure = "";
  #lastRejectionAt = Number.NEGATIVE_INFINITY;
  #rejection = "";
  readonly #toldAt = new Map<string, number>();

  constructor(options: SendersOptions) {
    this.#options = options;
  }

  begin(nodes: ConnectedNodes): void {
    this.#nodes = nodes;
  }

  /** Learns the version of a node that has just come. */
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
        observer: this.#observer,
        giveBack: (memory) => this.memory.giveBack(memory),
        signal: this.#stopping.signal,
      });
      this.#senders.set(node.name, sender);
    }
    return sender;
  }

  /** The node has left; what waits for it is sent all the same. */
  close({ name, connectionId }: NodeIdentity): void {
    if (this.#connections.get(name) === connectionId) this.#connections.delete(name);
    void this.drained({ name }).then(() => {
      // It may have come back meanwhile.
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
        "Requests that were sent again; their records may be there twice.",
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
        reason: `${where} does not accept what it is sent, retrying: ${this.#failure}`,
        action: isRequired
          ? "Start the collector, or fix its address or credentials. Nothing is lost: nodes are not asked for more until then."
          : "Start the collector, or fix its address or credentials. Its queue is bounded, and the oldest objects go first.",
      };
    }
    if (performance.now() - this.#lastRejectionAt < quietMs) {
      return {
        state: "degraded",
        since: this.#startedAt,
        reason: `${where} rejects log records for good: ${this.#rejection}`,
        action:
          "See the collector's own log for why: credentials, limits of size, or a form it does not know.",
      };
    }
    return { state: "ok", since: this.#startedAt };
  }

  async stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    const all = Promise.all([...this.#senders.values()].map((sender) => sender.drained()));
    await Promise.race([all, delay(deadlineMs, undefined, { ref: false })]);
    this.#stopping.abort();
    await all;
    this.#options.collector.stop();
    clearInterval(this.#releasing);
  }

  get #observer(): SenderObserver {
    const { log, where } = this.#options;
    return {
      sent: (records, bytes) => {
        this.#counts.requests += 1;
        this.#counts.records += records;
        this.#counts.bytes += bytes;
        if (this.#failingSince !== undefined)
          log.notice("otlp_recovered", `${where} accepts log records again`, { where });
        this.#failingSince = undefined;
      },
      retrying: (reason) => {
        this.#counts.retries += 1;
        this.#failingSince ??= Date.now();
        this.#failure = reason;
        this.#tell("otlp_failed", `${where} does not accept log records, retrying: ${reason}`);
      },
      warned: (message) => this.#tell("otlp_warned", `${where} takes log records, but says: ${message}`),
      rejected: (records, reason) => {
        this.#failingSince = undefined;
        this.#lastRejectionAt = performance.now();
        this.#rejection = reason === "" ? "it gives no reason" : reason;
        this.#tell("otlp_rejected", `${where} rejected ${records} log records for good: ${this.#rejection}`);
      },
    };
  }

  #tell(event: string, message: string): void {
    const now = performance.now();
    if (now - (this.#toldAt.get(event) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
    this.#toldAt.set(event, now);
    this.#options.log.warning(event, message, { where: this.#options.where });
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
    // The node is listed once whoever opens it here has returned.
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
