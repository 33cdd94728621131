import { NodeMetrics } from "../metrics/node/node-metrics.js";
import { SpareMemory } from "../protocol/spare-memory.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import type { Connection } from "../transport/connection.js";
import { FlightBudget } from "./flight-budget.js";
import type { NodeIdentity } from "./identity.js";
import type { MetricsPace } from "./metrics-poll.js";
import { NodeDirectory } from "./node-directory.js";
import { ReadingTurns } from "./reading-turns.js";
import { Session, type SessionEnd, type SessionHost, type SessionSettings } from "./session.js";

/** Where batches go: the router of the house. */
interface TraceDestination {
  open(node: NodeIdentity): void;
  /** Settles when the batch is safe or never will be, with which of them. */
  write(node: NodeIdentity, batch: TraceBatch): Promise<boolean>;
  /** Resolves when nothing received for this node is unsafe. */
  drained(node: NodeIdentity): Promise<void>;
  close(node: NodeIdentity): void;
  keepingUp(): boolean;
}

/** What happens to connections, for those who log and count. */
export interface SessionObserver {
  connected(connection: Connection): void;
  named(connection: Connection, node: NodeIdentity): void;
  ended(connection: Connection, end: SessionEnd): void;
}

/** A node that has its name, and what it last told of itself. */
export interface ConnectedNode {
  readonly node: NodeIdentity;
  readonly session: Session;
  readonly metrics: NodeMetrics;
}

export interface SessionsOptions {
  readonly settings: SessionSettings;
  readonly maxInFlightBytes: number;
  readonly destination: TraceDestination;
  readonly observer: SessionObserver;
}

/** How often memory is let go that was not needed since. */
const letGoEveryMs = 10_000;

/** Every connection's session, and the nodes behind them. */
export class Sessions {
  readonly budget: FlightBudget;
  #settings: SessionSettings;
  readonly #host: SessionHost;
  readonly #directory = new NodeDirectory<Session>();
  readonly #sessions = new Map<Session, NodeMetrics>();
  readonly #memory = new SpareMemory();
  readonly #lettingGo = setInterval(() => this.#memory.letGo(), letGoEveryMs).unref();
  /** Those that have shaken hands. */
  readonly #connected = new Set<Session>();
  #stopping: Promise<void> | undefined;
  #drainMs: number | undefined;

  constructor(options: SessionsOptions) {
    this.#settings = options.settings;
    this.budget = new FlightBudget({ maxInFlightBytes: options.maxInFlightBytes });
    this.#host = this.#hostFor(options);
  }

  /** Runs the session of a connection; resolves, when it has ended, with whether there was a handshake. */
  async run(connection: Connection): Promise<boolean> {
    const session = new Session(connection, this.#settings, this.#host);
    this.#sessions.set(session, new NodeMetrics({ maxBytes: this.#settings.maxAnswerBytes }));
    session.start();
    if (this.#drainMs !== undefined) void session.stop(this.#drainMs);
    await session.done;
    this.#directory.release(session);
    this.#sessions.delete(session);
    this.#connected.delete(session);
    return session.isConnected;
  }

  /** Those whose names are known, in the order they came. */
  *nodes(): Generator<ConnectedNode> {
    for (const [session, node] of this.#directory.connected()) {
      const metrics = this.#sessions.get(session);
      if (metrics !== undefined) yield { node, session, metrics };
    }
  }

  bySlug(slug: string): ConnectedNode | undefined {
    for (const connected of this.nodes()) if (connected.node.slug === slug) return connected;
    return undefined;
  }

  /** Connections by how far they are: before and after the handshake. */
  get counts(): { readonly handshaking: number; readonly connected: number } {
    const connected = this.#connected.size;
    return { handshaking: this.#sessions.size - connected, connected };
  }

  /** Of the nodes that are there, and those to come. */
  setMetricsPace(metricsPace: MetricsPace): void {
    this.#settings = { ...this.#settings, metricsPace };
    for (const session of this.#sessions.keys()) session.setMetricsPace(metricsPace);
  }

  /** Ends every session without loss, see `Session.stop`. Idempotent; resolves when all are done. */
  async stop(drainMs: number): Promise<void> {
    this.#drainMs = drainMs;
    clearInterval(this.#lettingGo);
    this.#stopping ??= Promise.all([...this.#sessions.keys()].map((session) => session.stop(drainMs))).then();
    await this.#stopping;
  }

  #hostFor(options: SessionsOptions): SessionHost {
    const { destination, observer } = options;
    return {
      budget: this.budget,
      turns: new ReadingTurns(),
      memory: this.#memory,
      claim: (session, rawName) => this.#directory.claim(session, rawName),
      keepingUp: () => destination.keepingUp(),
      connected: (session) => {
        this.#connected.add(session);
        observer.connected(session.connection);
      },
      opened: (session, node) => {
        destination.open(node);
        observer.named(session.connection, node);
      },
      deliver: (node, batch) => destination.write(node, batch),
      drained: (node) => destination.drained(node),
      metrics: (session, whole) => {
        const metrics = this.#sessions.get(session)!;
        metrics.answered({ whole, nowMs: Date.now() });
        return metrics;
      },
      ended: (session, end) => {
        if (end.node !== undefined) destination.close(end.node);
        observer.ended(session.connection, end);
      },
    };
  }
}
