import { settledWithin } from "../base/deadline.js";
import { type MetricRefusal, NodeMetrics } from "../metrics/node/node-metrics.js";
import { SpareMemory } from "../protocol/spare-memory.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import type { Connection } from "../transport/connection.js";
import { FewInTurn } from "../transport/few-in-turn.js";
import { nameNotAllowed } from "./allowed-name.js";
import { AnswerBudget } from "./answer-budget.js";
import { FlightBudget } from "./flight-budget.js";
import type { NodeIdentity } from "./identity.js";
import type { MetricsPace } from "./metrics-poll.js";
import { requestedNames } from "./names.js";
import { NewNames } from "./new-names.js";
import { type ClaimedDirectory, type Clash, NodeDirectory } from "./node-directory.js";
import { ReadingTurns } from "./reading-turns.js";
import { ScanBatching } from "./scan-batching.js";
import { Session } from "./session.js";
import { SessionError } from "./session-faults.js";
import type { Claim, SessionEnd, SessionHost, SessionSettings } from "./session-host.js";

/** Share of the peers' memory for answers: kept metrics and unfinished answers. */
const answersPart = 1 / 4;

/** Where batches go: the tracer's router. */
export interface TraceDestination {
  open(node: NodeIdentity): void;
  /** Resolves with whether the batch is safe, once that is known. */
  write(node: NodeIdentity, batch: TraceBatch): Promise<boolean>;
  /**
   * Counts objects received from a node that was then refused: it has no name, and they will not be written.
   */
  drop(node: undefined, reason: "refused", objects: number, bytes: number): void;
  /** Resolves when nothing received for this node is unsafe. */
  drained(node: NodeIdentity): Promise<void>;
  close(node: NodeIdentity): void;
  keepingUp(): boolean;
}

/** What happens to connections, for logs and counters. */
export interface SessionObserver {
  connected(connection: Connection): void;
  named(connection: Connection, node: NodeIdentity): void;
  /** The node, just named, could not get the names it requested. */
  clashed(connection: Connection, node: NodeIdentity, clash: Clash): void;
  ended(connection: Connection, end: SessionEnd): void;
  /** This many metrics of a node were not kept. */
  metricsRefused(reason: MetricRefusal, count: number): void;
}

/** A node that has its name, and what it last reported. */
export interface ConnectedNode {
  readonly node: NodeIdentity;
  readonly session: Session;
  readonly metrics: NodeMetrics;
  /** Why it did not get the names it requested, if so. */
  readonly clash: Clash | undefined;
}

export interface SessionsOptions {
  readonly settings: SessionSettings;
  /** Memory for all peers together; a quarter of it for answers, the rest for trace objects. */
  readonly maxInFlightBytes: number;
  readonly destination: TraceDestination;
  readonly observer: SessionObserver;
  /** Whether a node of this directory was here before: new names are limited. @default never */
  readonly isKnownDirectory?: (directory: string) => Promise<boolean>;
  /** Claims directories against other tracers that write below the same root. @default none */
  readonly claimDirectory?: (directory: string) => Promise<ClaimedDirectory>;
  readonly newNames?: NewNames;
  /** Called with a node's metrics after each answer, and once when its name is known. */
  readonly onMetrics?: (node: NodeIdentity, metrics: NodeMetrics) => void;
}

/** How long to wait for a disk to say whether a directory exists. */
const knownTimeoutMs = 1_000;

/** Nodes named in one turn of the event loop, some milliseconds of work. */
const mostNamedInTurn = 16;

/**
 * Most peers that have left while their names are still processed, each with what it sent: directories may be created more slowly
 * than a peer can reconnect under another name.
 */
const mostLeaving = 256;

/** Interval at which memory unused since the last time is released. */
const releaseEveryMs = 10_000;

/** Every connection's session, and the nodes behind them. */
export class Sessions {
  readonly budget: FlightBudget;
  readonly answers: AnswerBudget;
  /** Addresses with more new names than allowed, for health. */
  readonly newNames: NewNames;
  #settings: SessionSettings;
  readonly #options: SessionsOptions;
  readonly #host: SessionHost<Session>;
  readonly #directory: NodeDirectory<Session>;
  readonly #sessions = new Map<Session, NodeMetrics>();
  readonly #memory = new SpareMemory();
  readonly #releasing = setInterval(() => this.#memory.releaseUnused(), releaseEveryMs).unref();
  /** Those that completed the handshake. */
  readonly #connected = new Set<Session>();
  readonly #naming = new FewInTurn(mostNamedInTurn);
  /** Sessions whose peers have left. */
  #leaving = 0;
  /** When the disk last said whether a directory exists. */
  #diskAnsweredAt = Number.NEGATIVE_INFINITY;
  #stopping: Promise<void> | undefined;

  constructor(options: SessionsOptions) {
    this.#directory = new NodeDirectory(options.claimDirectory);
    this.#options = options;
    this.#settings = options.settings;
    const answersBytes = options.maxInFlightBytes * answersPart;
    this.budget = new FlightBudget({
      maxInFlightBytes: options.maxInFlightBytes - answersBytes,
      maxObjectBytes: options.settings.maxObjectBytes,
    });
    this.answers = new AnswerBudget({ maxBytes: answersBytes });
    this.newNames = options.newNames ?? new NewNames();
    this.#host = this.#hostFor(options);
  }

  /** Runs the session of a connection; resolves, when it has ended, with whether there was a handshake. */
  async run(connection: Connection): Promise<boolean> {
    if (this.#stopping !== undefined) {
      connection.stream.on("error", () => {});
      connection.stream.destroy();
      return false;
    }
    if (this.#leaving >= mostLeaving) return this.#turnAway(connection);
    const session = new Session(connection, this.#settings, this.#host);
    const metrics = this.#metricsFor(session);
    this.#sessions.set(session, metrics);
    const left = this.#countLeaving(connection);
    session.start();
    await session.done;
    left();
    this.#directory.release(session);
    this.#sessions.delete(session);
    this.#connected.delete(session);
    return session.isConnected;
  }

  #turnAway(connection: Connection): false {
    connection.stream.on("error", () => {});
    connection.stream.destroy();
    const fault = new SessionError({ code: "too-many-leaving" });
    this.#options.observer.ended(connection, {
      node: undefined,
      fault,
      handshakeDone: false,
      midReply: false,
    });
    return false;
  }

  /** Counts the connection among those that have left, from then until the returned function is called. */
  #countLeaving({ stream }: Connection): () => void {
    let isLeaving = false;
    const leaves = () => {
      isLeaving = true;
      this.#leaving += 1;
    };
    stream.once("close", leaves);
    return () => {
      stream.off("close", leaves);
      if (isLeaving) this.#leaving -= 1;
    };
  }

  /** Those whose names are known, in the order they connected. */
  *nodes(): Generator<ConnectedNode> {
    for (const [session, node, clash] of this.#directory.connected()) {
      const metrics = this.#sessions.get(session);
      if (metrics !== undefined) yield { node, session, metrics, clash };
    }
  }

  bySlug(slug: string): ConnectedNode | undefined {
    const [session, node, clash] = this.#directory.bySlug(slug) ?? [];
    const metrics = session && this.#sessions.get(session);
    return metrics && { node: node!, session: session!, metrics, clash };
  }

  /** Whether a node of this name may connect from this address: it was here before, or is new and within the limit. */
  async admitsName(rawName: string, address: string): Promise<boolean> {
    return (
      this.newNames.allows(address) || (await this.#isKnownDirectory(requestedNames(rawName, "").directory))
    );
  }

  /** Connections before and after the handshake. */
  get counts(): { readonly handshaking: number; readonly connected: number } {
    const connected = this.#connected.size;
    return { handshaking: this.#sessions.size - connected, connected };
  }

  /** Memory for all peers together, in bytes: requested ahead, and held, including answers. */
  get flight(): { readonly reservedBytes: number; readonly heldBytes: number } {
    const { reservedBytes, heldBytes } = this.budget.reading;
    return { reservedBytes, heldBytes: heldBytes + this.answers.bytes };
  }

  /** Objects held until their nodes' names are known. */
  get heldObjects(): number {
    let objects = 0;
    for (const session of this.#connected) objects += session.heldObjects;
    return objects;
  }

  /** Of existing and new nodes. */
  setMetricsPace(metricsPace: MetricsPace): void {
    this.#settings = { ...this.#settings, metricsPace };
    for (const session of this.#sessions.keys()) session.setMetricsPace(metricsPace);
  }

  /**
   * Ends every session without loss, see `Session.stop`, and accepts no more. Idempotent; resolves when all are done,
   * after `drainMs` at most, whatever peers do.
   */
  async stop(drainMs: number): Promise<void> {
    clearInterval(this.#releasing);
    this.#directory.stop();
    this.#stopping ??= Promise.all([...this.#sessions.keys()].map((session) => session.stop(drainMs))).then();
    await this.#stopping;
  }

  /** A store releases its memory when its session ends, like everything else that the session holds. */
  #metricsFor(session: Session): NodeMetrics {
    const { maxMetricsBytes, maxMetricsPerNode } = this.#settings;
    return new NodeMetrics({
      maxBytes: storeBytes(maxMetricsBytes, maxMetricsPerNode),
      maxMetrics: maxMetricsPerNode,
      mayGrow: (deltaBytes) => session.answerShare.grow(deltaBytes),
      onEnd: () => this.#measured(session),
      onRefused: (reason, count) => this.#options.observer.metricsRefused(reason, count),
    });
  }

  #measured(session: Session): void {
    const node = this.#directory.identityOf(session);
    const metrics = this.#sessions.get(session);
    if (node !== undefined && metrics !== undefined) this.#options.onMetrics?.(node, metrics);
  }

  async #claim(session: Session, rawName: string | undefined): Promise<Claim> {
    const notAllowed = nameNotAllowed(session.connection, rawName);
    if (notAllowed !== undefined) return { refused: notAllowed };
    const { connection, connectionId, address } = session;
    const { directory } = requestedNames(rawName, connectionId);
    const refused = { code: "too-many-names", address } as const;
    // Names of targets, and those that credentials are for, are from the configuration.
    const isLimited = connection.opener === "peer" && connection.allows === undefined;
    // A connection's own id is one of a bounded set.
    const isNew = isLimited && directory !== connectionId && !(await this.#isKnownDirectory(directory));
    if (isNew && !this.newNames.take(address)) return { refused };
    await this.#naming.turn();
    const node = await this.#directory.claim(session, rawName);
    // Peers may take a name that is taken as often as they like, and its suffix makes a directory, too.
    const hasSuffix = node.directory !== directory;
    const isNewBySuffix = isLimited && !isNew && hasSuffix && !(await this.#isOnDisk(node.directory));
    if (!isNewBySuffix || this.newNames.take(address)) return { node };
    this.#directory.release(session);
    return { refused };
  }

  async #isKnownDirectory(directory: string): Promise<boolean> {
    return this.#directory.hasDirectory(directory) || this.#isOnDisk(directory);
  }

  async #isOnDisk(directory: string): Promise<boolean> {
    const { isKnownDirectory } = this.#options;
    if (isKnownDirectory === undefined) return false;
    const isKnown = isKnownDirectory(directory).finally(() => {
      this.#diskAnsweredAt = performance.now();
    });
    while (!(await settledWithin(isKnown, knownTimeoutMs))) {
      // Thousands may ask at the same time: they wait for each other as long as the disk answers any. If it does not, the
      // node is admitted.
      if (performance.now() - this.#diskAnsweredAt >= knownTimeoutMs) return true;
    }
    return isKnown;
  }

  #hostFor({ destination, observer }: SessionsOptions): SessionHost<Session> {
    return {
      budget: this.budget,
      answers: this.answers,
      turns: new ReadingTurns(),
      batching: new ScanBatching(),
      memory: this.#memory,
      claim: (session, rawName) => this.#claim(session, rawName),
      // If credentials are for certain names, batches are held until the node has given one of them.
      mayAskUnnamed: ({ connection, address }) =>
        connection.allows === undefined && destination.keepingUp() && this.newNames.allows(address),
      connected: (session) => {
        this.#connected.add(session);
        observer.connected(session.connection);
      },
      opened: (session, node) => {
        destination.open(node);
        this.#measured(session);
        observer.named(session.connection, node);
        const clash = this.#directory.clashOf(session);
        if (clash !== undefined) observer.clashed(session.connection, node, clash);
      },
      deliver: (node, batch) => destination.write(node, batch),
      refused: ({ objects, bytes }) => {
        if (objects > 0) destination.drop(undefined, "refused", objects, bytes);
      },
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

/** Memory of the largest possible answer: names and texts at two bytes a character, and 140 more for each metric. */
function storeBytes(maxMetricsBytes: number, maxMetricsPerNode: number): number {
  return 2 * maxMetricsBytes + 140 * maxMetricsPerNode;
}
