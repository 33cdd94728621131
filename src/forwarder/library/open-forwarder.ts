import { hostname } from "node:os";
import type { Message } from "../../protocol/message-encoder.js";
import { type DetailLevel, detailLevels, type Severity, severities } from "../../protocol/trace-batch.js";
import { type LinkAddress, parseAnyAddress } from "../../transport/address.js";
import type { BackOffLimits } from "../back-off.js";
import { machineText } from "./machine-text.js";
import { type ForwarderProblem, Problems } from "./problems.js";
import { ProgramDataPoints, type ProgramInfo } from "./program-data-points.js";
import { credentialsOf, type ProgramLink } from "./program-link.js";
import { ProgramMetrics } from "./program-metrics.js";
import { Serving } from "./serving.js";
import { TraceQueue } from "./trace-queue.js";

export interface OpenForwarderOptions extends ProgramInfo, ProgramLink {
  /** The program's name at tracers, used for its directory and its metrics. */
  readonly name: string;
  /** Where the tracer is, or where to listen: a socket file's path, `host:port`, `tls://host:port`, `ws://host:port/path` or `wss://…`. */
  readonly address: string | LinkAddress;
  /** Network magic; must equal the tracer's. @default 764,824,073, mainnet */
  readonly magic?: number | undefined;
  /** Most queued trace objects; beyond it the oldest are dropped. @default 10,000 */
  readonly queueSize?: number | undefined;
  /** Most characters of their texts. @default 16 Mi */
  readonly queueCharacters?: number | undefined;
  /** Pauses before reconnecting, in milliseconds. @default 1 s, doubling to 45 s, like nodes */
  readonly reconnect?: BackOffLimits | undefined;
  /** The `host` of its lines. @default this machine's name, up to the first dot */
  readonly host?: string | undefined;
  /** Reconnects even to a tracer that said *done*, which tracers do when they are stopped for good. @default true */
  readonly returnsAfterDone?: boolean | undefined;
  /** Called with problems, each kind once a minute at most. */
  readonly onProblem?: ((problem: ForwarderProblem) => void) | undefined;
}

/** A message of the program. */
export interface Trace {
  /** Dotted, such as `Shop.Order.Placed`. */
  readonly namespace: string;
  /** The data for machines: any JSON object. @default {} */
  readonly data?: object | undefined;
  /** The text for people. @default none */
  readonly human?: string | undefined;
  /** @default "Info" */
  readonly severity?: Severity | undefined;
  /** @default "DNormal" */
  readonly details?: DetailLevel | undefined;
  /** When it happened, in milliseconds since 1970. @default now */
  readonly at?: number | undefined;
  /** A thread id, in digits. @default the process id */
  readonly thread?: string | undefined;
}

export interface ForwarderStats {
  /** Trace objects in the queue. */
  readonly queued: number;
  /** Characters of their texts. */
  readonly queuedCharacters: number;
  /** Sent to a tracer that asked for them. */
  readonly sent: number;
  /** Dropped because the queue was full, or too small for the message alone. */
  readonly dropped: number;
  /** Rejected because they cannot be sent: data that is not JSON. */
  readonly unusable: number;
  /** Handshakes that succeeded. */
  readonly connections: number;
}

/** A program that tracers collect from, like a node. Nothing here throws, waits for a tracer, or keeps the process alive. */
export interface Forwarder extends AsyncDisposable {
  /** Queues a message. */
  trace(trace: Trace): void;
  readonly metrics: Pick<ProgramMetrics, "counter" | "gauge" | "real" | "label">;
  /** Offers a JSON document, made each time a tracer requests it. */
  dataPoint(name: string, value: () => unknown): void;
  stats(): ForwarderStats;
  /**
   * Waits until the tracer has everything queued, two seconds at most, and closes the connection. Idempotent. Only this keeps the
   * process alive, while it waits. Later messages are dropped.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

const flushMs = 2_000;

/**
 * Starts forwarding a program's messages, metrics and data points.
 * @throws AddressError for an invalid address, RangeError for limits below 1, TypeError for options that do not go with the
 * kind of address
 */
export function openForwarder(options: OpenForwarderOptions): Forwarder {
  const { queueSize = 10_000, queueCharacters = 16 * 1_048_576 } = options;
  for (const [name, limit] of Object.entries({ queueSize, queueCharacters }))
    if (!(limit >= 1)) throw new RangeError(`${name} must be at least 1; got ${limit}`);
  const address = typeof options.address === "string" ? parseAnyAddress(options.address) : options.address;
  const { mode = "connect", magic, reconnect, returnsAfterDone } = options;
  const network = { mode, address, credentials: credentialsOf(options, address) };
  const problems = new Problems(options.onProblem, () => performance.now());
  const onUnusable = (message: string) => problems.add("unusable", message);
  const { host = hostname().split(".")[0]! } = options;
  const queue = new TraceQueue(host, { objects: queueSize, characters: queueCharacters });
  const metrics = new ProgramMetrics(onUnusable);
  const dataPoints = new ProgramDataPoints(options, onUnusable);
  const pid = String(process.pid);
  const serving = new Serving(
    { network, magic, reconnect, returnsAfterDone },
    { queue, metrics, dataPoints },
    (message) => problems.add("connection", message),
  );
  let unusable = 0;
  let late = 0;
  let closed: Promise<void> | undefined;

  function messageOf(trace: Trace): Message {
    const { data = {}, severity = "Info", details = "DNormal", thread = pid } = trace;
    const at = Math.floor(trace.at ?? Date.now());
    const namespace = String(trace.namespace);
    if (!severities.includes(severity)) throw new TypeError(`${severity} is not a severity`);
    if (!detailLevels.includes(details)) throw new TypeError(`${details} is not a level of detail`);
    const machine = machineText({ at, namespace, data, severity, thread, host });
    // Like nodes, send none instead of an empty text.
    const human = trace.human ? String(trace.human) : undefined;
    return { human, machine, namespace, severity, details, at, thread };
  }

  const close = ({ deadlineMs = flushMs }: { readonly deadlineMs?: number } = {}) => {
    queue.end();
    closed ??= serving.close(deadlineMs);
    return closed;
  };
  return {
    trace: (trace) => {
      if (closed !== undefined) {
        late += 1;
        return;
      }
      try {
        const gaveWay = queue.add(messageOf(trace));
        if (gaveWay === 0) return;
        const why =
          gaveWay === "too large"
            ? `a message has more than the ${queueCharacters} characters of queueCharacters`
            : "no tracer asks fast enough";
        problems.add("dropped", `${why}: ${queue.dropped} messages dropped so far`);
      } catch (error) {
        unusable += 1;
        onUnusable(`a message cannot be sent: ${String(error)}`);
      }
    },
    metrics,
    dataPoint: (name, value) => dataPoints.set(name, value),
    stats: () => ({
      queued: queue.length,
      queuedCharacters: queue.characters,
      sent: serving.report?.objectsSent ?? 0,
      dropped: queue.dropped + late,
      unusable,
      connections: serving.report?.connections ?? 0,
    }),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
