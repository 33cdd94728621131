import { ProtocolError } from "../protocol/faults.js";
import type { MetricsTaker } from "../protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import { Demux } from "../protocol/mux.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import type { Connection } from "../transport/connection.js";
import { DataPointRequests, type DataPoints } from "./data-points.js";
import type { FlightBudget } from "./flight-budget.js";
import { Handshake } from "./handshake.js";
import type { NodeIdentity } from "./identity.js";
import { type MetricsPace, MetricsPoll } from "./metrics-poll.js";
import { MiniProtocolWriter } from "./mini-protocol-writer.js";
import type { NameHolder } from "./node-directory.js";
import { nameOf, nodeInfoName } from "./node-info.js";
import type { ReadingTurns } from "./reading-turns.js";
import { SessionError } from "./session-faults.js";
import { TraceIntake } from "./trace-intake.js";

/** How long a second connection of a name gives the first one to show that it lives. */
const aliveTimeoutMs = 3_000;
/** How long a refused or faulty peer may take to read why. */
const farewellMs = 1_000;

export interface SessionSettings {
  readonly networkMagic: number;
  /** Trace objects per request. */
  readonly requestCount: number;
  readonly metricsPace: MetricsPace;
  readonly maxObjectBytes: number;
  /** Limit of a metrics or data-point answer. */
  readonly maxAnswerBytes: number;
  /** Trace-object requests outstanding at most. */
  readonly requestsAhead: number;
  readonly handshakeTimeoutMs: number;
  readonly nameTimeoutMs: number;
  readonly silenceMs: number;
}

/** What a session needs from the house around it. */
export interface SessionHost {
  /** Shared by all sessions, as are the turns and the memory. */
  readonly budget: FlightBudget;
  readonly turns: ReadingTurns;
  readonly memory: SpareMemory;
  /** The handshake is over. */
  connected(session: Session): void;
  /** Gives the session its names; `rawName` is undefined where the node told none. */
  claim(session: Session, rawName: string | undefined): Promise<NodeIdentity>;
  /** Whether everything received from all nodes becomes safe without delay. */
  keepingUp(): boolean;
  /** The node has its name and its batches may come. */
  opened(session: Session, node: NodeIdentity): void;
  /** Settles when the batch is safe or never will be, with which of them. */
  deliver(node: NodeIdentity, batch: TraceBatch): Promise<boolean>;
  /** Resolves when nothing received from a node of this name is unsafe. */
  drained(node: NodeIdentity): Promise<void>;
  /** An answer with metrics has come, of everything or of what has changed; returns who takes them. */
  metrics(session: Session, whole: boolean): MetricsTaker;
  /** The connection is gone and every batch was handed on; `fault` is absent where the peer or we just left. */
  ended(session: Session, end: SessionEnd): void;
}

export interface SessionEnd {
  readonly node: NodeIdentity | undefined;
  readonly fault: ProtocolError | SessionError | undefined;
  /** The handshake had been completed. */
  readonly shookHands: boolean;
  /** The peer left in the middle of a reply: an unfinished object was lost on the way. */
  readonly midReply: boolean;
}

/** One connection to one node, from the first byte of the handshake to the last object received. */
export class Session implements NameHolder {
  readonly connection: Connection;
  readonly #settings: SessionSettings;
  readonly #host: SessionHost;
  readonly #demux: Demux;
  readonly #handshake: Handshake;
  readonly #traces: TraceIntake;
  readonly #metrics: MetricsPoll;
  readonly #dataPoints: DataPointRequests;
  /** Resolves when the connection is gone and every batch was handed on. Never rejects. */
  readonly done: Promise<void>;
  #resolveDone!: () => void;
  #node: NodeIdentity | undefined;
  #naming: Promise<void> | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #fault: ProtocolError | SessionError | undefined;
  /** Nothing that arrives is looked at any more. */
  #deaf = false;
  #paused = false;
  #readingSince = performance.now();
  #lastByteAt = this.#readingSince;

  constructor(connection: Connection, settings: SessionSettings, host: SessionHost) {
    this.connection = connection;
    this.#settings = settings;
    this.#host = host;
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    const { stream, opener } = connection;
    this.#demux = new Demux(opener === "us" ? "listener" : "opener");
    const writer = new MiniProtocolWriter(stream, opener === "us" ? "opener" : "listener", (unreadBytes) =>
      this.#fail(new SessionError({ code: "peer-not-reading", unreadBytes })),
    );
    const sendAs = (miniProtocol: MiniProtocol) => (message: Uint8Array, times?: number) =>
      writer.send(miniProtocol, message, times);
    this.#handshake = new Handshake({
      magic: settings.networkMagic,
      opener,
      send: sendAs(miniProtocols.handshake),
    });
    this.#traces = new TraceIntake({
      requestCount: settings.requestCount,
      maxObjectBytes: settings.maxObjectBytes,
      requestsAhead: settings.requestsAhead,
      budget: host.budget,
      turns: host.turns,
      memory: host.memory,
      send: sendAs(miniProtocols.traceObjects),
      pause: () => this.#pause(),
      resume: () => this.#resume(),
    });
    this.#metrics = new MetricsPoll({
      pace: settings.metricsPace,
      maxAnswerBytes: settings.maxAnswerBytes,
      silenceMs: settings.silenceMs,
      send: sendAs(miniProtocols.metrics),
      quietMs: () => (this.#paused ? 0 : performance.now() - this.#lastByteAt),
      onRoundTrip: (milliseconds) =>
        this.#traces.roundTrip(milliseconds, performance.now() - this.#readingSince >= milliseconds),
      onAnswer: (whole) => host.metrics(this, whole),
      onSilence: () => this.#fail(new SessionError({ code: "peer-silent", timeoutMs: settings.silenceMs })),
    });
    this.#dataPoints = new DataPointRequests({
      maxAnswerBytes: settings.maxAnswerBytes,
      send: sendAs(miniProtocols.dataPoints),
    });
  }

  get connectionId(): string {
    return this.connection.id;
  }

  start(): void {
    const { stream } = this.connection;
    const { handshakeTimeoutMs } = this.#settings;
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.on("error", (cause) => {
      this.#fault ??= new SessionError({ code: "connection-failed" }, { cause });
    });
    stream.once("end", () => this.#peerEnded());
    stream.once("close", () => void this.#closed());
    this.#deadline = setTimeout(
      () => this.#fail(new SessionError({ code: "handshake-timeout", timeoutMs: handshakeTimeoutMs })),
      handshakeTimeoutMs,
    );
    this.#handshake.start();
  }

  /** Asks the node for data points; undefined where no answer came within `timeoutMs`. */
  async dataPoints(names: readonly string[], timeoutMs: number): Promise<DataPoints | undefined> {
    return this.#dataPoints.request(names, timeoutMs);
  }

  /** Whether the handshake is over. */
  get isConnected(): boolean {
    return this.#handshake.done;
  }

  /** Trace-object requests whose reply is not safe yet. */
  get openRequests(): number {
    return this.#traces.openRequests;
  }

  setMetricsPace(pace: MetricsPace): void {
    this.#metrics.setPace(pace);
  }

  async isAlive(): Promise<boolean> {
    return this.#metrics.probe(aliveTimeoutMs);
  }

  async close(reason: string): Promise<void> {
    this.#fail(new SessionError({ code: "closed-by-us", reason }));
    this.connection.stream.destroy();
    await this.done;
  }

  /**
   * Ends the session without loss: asks for nothing more, ends our side, takes what still arrives until the peer
   * ends its side or `drainMs` have passed. Idempotent; resolves when the session is done.
   */
  async stop(drainMs: number): Promise<void> {
    const { stream } = this.connection;
    this.#traces.stopAsking();
    this.#metrics.end();
    stream.end();
    this.#closeWithin(drainMs);
    await this.done;
  }

  #receive(chunk: Uint8Array): void {
    this.#lastByteAt = performance.now();
    if (this.#deaf) return;
    try {
      try {
        this.#demux.push(chunk, (miniProtocol, payload) => this.#dispatch(miniProtocol, payload));
      } finally {
        // Also what came before bad bytes: a fault in that is the earlier one.
        this.#traces.flush();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
  }

  #dispatch(miniProtocol: MiniProtocol, payload: Uint8Array): void {
    if (miniProtocol === miniProtocols.handshake) {
      this.#handshake.receive(payload);
      if (this.#handshake.done) this.#connected();
      return;
    }
    if (!this.#handshake.done) {
      throw new ProtocolError({
        code: "unexpected-message",
        what: `segment of mini-protocol ${miniProtocol}`,
        state: "shaking hands",
      });
    }
    switch (miniProtocol) {
      case miniProtocols.metrics:
        this.#metrics.receive(payload);
        break;
      case miniProtocols.traceObjects:
        this.#traces.receive(payload);
        break;
      case miniProtocols.dataPoints:
        this.#dataPoints.receive(payload);
        break;
    }
  }

  #connected(): void {
    clearTimeout(this.#deadline);
    this.#naming = this.#learnName();
    this.#host.connected(this);
    this.#metrics.start();
    // Until the node has told its name we cannot see whether its log is stuck; where none is, one reply can wait.
    if (this.#host.keepingUp()) this.#traces.startAsking();
  }

  async #learnName(): Promise<void> {
    const { nameTimeoutMs } = this.#settings;
    // cardano-tracer opens with a request for nothing; what expects it (recordings do) is not misled.
    void this.#dataPoints.request([], nameTimeoutMs);
    const points = await this.#dataPoints.request([nodeInfoName], nameTimeoutMs);
    const node = await this.#host.claim(this, nameOf(points));
    this.#node = node;
    this.#host.opened(this, node);
    this.#traces.deliverTo((batch) => this.#host.deliver(node, batch));
    void this.#host.drained(node).then(() => {
      if (!this.#deaf && this.connection.stream.writable) this.#traces.startAsking();
    });
  }

  #pause(): void {
    this.#paused = true;
    this.connection.stream.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#readingSince = performance.now();
    this.#lastByteAt = this.#readingSince;
    this.connection.stream.resume();
  }

  /** The first fault is the one that counts; the peer gets a moment to read a refusal. */
  #fail(fault: ProtocolError | SessionError): void {
    this.#fault ??= fault;
    this.#deaf = true;
    this.#traces.stopAsking();
    this.#metrics.end();
    this.connection.stream.end();
    this.connection.stream.resume();
    this.#closeWithin(farewellMs);
  }

  #peerEnded(): void {
    if (!this.#handshake.done) this.#fault ??= new SessionError({ code: "handshake-cut" });
    this.#traces.stopAsking();
    this.connection.stream.end();
    this.#closeWithin(farewellMs);
  }

  #closeWithin(delayMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.connection.stream.destroy(), delayMs);
  }

  async #closed(): Promise<void> {
    clearTimeout(this.#deadline);
    this.#deaf = true;
    this.#traces.end();
    this.#metrics.end();
    this.#dataPoints.end();
    await this.#naming;
    this.#host.ended(this, {
      node: this.#node,
      fault: this.#fault,
      shookHands: this.#handshake.done,
      midReply: this.#traces.midReply,
    });
    this.#resolveDone();
  }
}
