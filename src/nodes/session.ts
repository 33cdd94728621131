import { ProtocolError } from "../protocol/faults.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import type { Connection } from "../transport/connection.js";
import type { AnswerShare } from "./answer-budget.js";
import { DataPointRequests, type DataPoints } from "./data-points.js";
import { Handshake } from "./handshake.js";
import type { NodeIdentity } from "./identity.js";
import { learnName } from "./learn-name.js";
import { type MetricsPace, MetricsPoll } from "./metrics-poll.js";
import type { MiniProtocolSide } from "./mini-protocol-side.js";
import { MiniProtocolWriter } from "./mini-protocol-writer.js";
import type { NameHolder } from "./node-directory.js";
import { ReadingGate } from "./reading-gate.js";
import { Reception } from "./reception.js";
import { remoteAddressOf } from "./remote-address.js";
import { SessionError, type SessionFault } from "./session-faults.js";
import type { SessionHost, SessionSettings } from "./session-host.js";
import { SignsOfLife } from "./signs-of-life.js";
import { TraceIntake } from "./trace-intake.js";

/** How long the first connection of a name has to show that it is alive when a second one arrives. */
const aliveTimeoutMs = 3_000;
/** How long a refused or faulty peer may take to read why. */
const refusalReadMs = 1_000;

/** One connection to one node, from the first byte of the handshake to the last object received. */
export class Session implements NameHolder {
  readonly connection: Connection;
  /** The peer's address, which it cannot choose. */
  readonly address: string;
  /** The node's share of the memory for answers. */
  readonly answerShare: AnswerShare;
  /** Resolves when the connection is gone and every batch was passed on. Never rejects. */
  readonly done: Promise<void>;
  readonly #settings: SessionSettings;
  readonly #host: SessionHost<Session>;
  readonly #reception: Reception;
  readonly #gate: ReadingGate;
  readonly #handshake: Handshake;
  readonly #metrics: MetricsPoll;
  readonly #traces: TraceIntake;
  readonly #dataPoints: DataPointRequests;
  /** The receivers of the bytes of each mini-protocol. */
  readonly #sides: Readonly<Record<MiniProtocol, MiniProtocolSide>>;
  readonly #signs = new SignsOfLife();
  #resolveDone!: () => void;
  #node: NodeIdentity | undefined;
  #naming: Promise<void> | undefined;
  #handshakeDeadline: NodeJS.Timeout | undefined;
  #closing: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  #fault: ProtocolError | SessionError | undefined;
  #hasReceived = false;
  #isOver = false;
  #isStopping = false;
  #readingSince = performance.now();
  #lastByteAt = this.#readingSince;

  constructor(connection: Connection, settings: SessionSettings, host: SessionHost<Session>) {
    this.connection = connection;
    this.address = remoteAddressOf(connection);
    this.#settings = settings;
    this.#host = host;
    this.answerShare = host.answers.join();
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    const { stream, opener } = connection;
    const writer = new MiniProtocolWriter(stream, opener === "us" ? "opener" : "listener", (unreadBytes) =>
      this.#fail({ code: "peer-not-reading", unreadBytes }),
    );
    const sendAs = (miniProtocol: MiniProtocol) => (message: Uint8Array, times?: number) =>
      writer.send(miniProtocol, message, times);
    this.#gate = new ReadingGate({
      turns: host.turns,
      pause: () => stream.pause(),
      resume: () => this.#resume(),
    });
    this.#handshake = new Handshake({
      magic: settings.networkMagic,
      opener,
      send: sendAs(miniProtocols.handshake),
    });
    this.#metrics = new MetricsPoll({
      pace: settings.metricsPace,
      maxAnswerBytes: settings.maxMetricsBytes,
      silenceMs: settings.silenceMs,
      send: sendAs(miniProtocols.metrics),
      quietMs: () => this.#quietMs,
      onRoundTrip: (milliseconds) =>
        this.#traces.roundTrip(milliseconds, performance.now() - this.#readingSince >= milliseconds),
      onAnswer: (whole) => host.metrics(this, whole),
      onSilence: () => this.#fail({ code: "peer-silent", timeoutMs: settings.silenceMs }),
      onGrowth: (deltaBytes) => this.#answersGrow(deltaBytes),
    });
    this.#traces = new TraceIntake({
      requestCount: settings.requestCount,
      maxObjectBytes: settings.maxObjectBytes,
      requestsAhead: settings.requestsAhead,
      namePatienceMs: settings.namePatienceMs,
      budget: host.budget,
      gate: this.#gate,
      memory: host.memory,
      send: sendAs(miniProtocols.traceObjects),
      onEvicted: () => {
        this.#fail({ code: "no-room" });
        this.#leave();
      },
    });
    this.#dataPoints = new DataPointRequests({
      maxAnswerBytes: settings.maxDataPointBytes,
      send: sendAs(miniProtocols.dataPoints),
      onGrowth: (deltaBytes) => this.#answersGrow(deltaBytes),
    });
    this.#sides = {
      [miniProtocols.handshake]: this.#handshake,
      [miniProtocols.metrics]: this.#metrics,
      [miniProtocols.traceObjects]: this.#traces,
      [miniProtocols.dataPoints]: this.#dataPoints,
    };
    this.#reception = new Reception({
      sender: opener === "us" ? "listener" : "opener",
      sides: this.#sides,
      handshake: this.#handshake,
      traces: this.#traces,
      gate: this.#gate,
      batching: connection.arrivesInPieces ? host.batching : undefined,
      onConnected: () => this.#connected(),
      onFault: (error) => this.#fail(faultOf(error)),
    });
  }

  get connectionId(): string {
    return this.connection.id;
  }

  start(): void {
    const { stream } = this.connection;
    const { handshakeTimeoutMs: timeoutMs } = this.#settings;
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.on("error", (cause) => {
      this.#fault ??= new SessionError({ code: "connection-failed" }, { cause });
    });
    stream.once("end", () => this.#peerEnded());
    stream.once("close", () => void this.#closed());
    this.#handshakeDeadline = setTimeout(
      () => this.#fail({ code: "handshake-timeout", timeoutMs }),
      timeoutMs,
    );
    this.#handshake.start();
  }

  #receive(chunk: Uint8Array): void {
    this.#lastByteAt = performance.now();
    this.#hasReceived = true;
    this.#signs.tell(true);
    this.#reception.receive(chunk, this.#lastByteAt);
  }

  #connected(): void {
    clearTimeout(this.#handshakeDeadline);
    this.#handshakeDeadline = undefined;
    this.#naming = this.#takeName().catch((error) => this.#fail(faultOf(error)));
    this.#host.connected(this);
    this.#metrics.start();
    // Until the node has given its name we cannot see whether its log is stuck; if none is, some objects can wait.
    if (this.#host.mayAskUnnamed(this)) this.#traces.startAsking();
  }

  async #takeName(): Promise<void> {
    const { nodeName } = this.connection;
    const name = await (nodeName ?? learnName(this.#dataPoints, this.#traces.held, this.#settings));
    this.#traces.nameKnown();
    const claim = await this.#host.claim(this, name);
    if ("refused" in claim) {
      this.#fail(claim.refused);
      this.#host.refused(this.#traces.refuse());
      return;
    }
    const { node } = claim;
    this.#node = node;
    this.#host.opened(this, node);
    await this.#traces.deliverTo((batch) => this.#host.deliver(node, batch));
    void this.#host.drained(node).then(() => {
      if (!this.#reception.hasEnded && this.connection.stream.writable) this.#traces.startAsking();
    });
  }

  /** Asks the node for data points; undefined if no answer came within `timeoutMs`. */
  async dataPoints(names: readonly string[], timeoutMs: number): Promise<DataPoints | undefined> {
    return this.#dataPoints.request(names, timeoutMs);
  }

  /** Whether the handshake is complete. */
  get isConnected(): boolean {
    return this.#handshake.done;
  }

  /** Trace-object requests whose reply is not safe yet. */
  get openRequests(): number {
    return this.#traces.openRequests;
  }

  /** Objects waiting for the node's name. */
  get heldObjects(): number {
    return this.#traces.held.objects;
  }

  setMetricsPace(pace: MetricsPace): void {
    this.#metrics.setPace(pace);
  }

  /** Resolves with whether the peer still answers; true while we do not read, because nothing shows that it does not. */
  async isAlive(): Promise<boolean> {
    if (this.#reception.hasEnded) return false;
    if (this.#gate.isPaused) return true;
    this.#askForLife(aliveTimeoutMs);
    return (await this.#signs.within(aliveTimeoutMs)) || this.#gate.isPaused;
  }

  /** Makes sure that the connection ends if its peer is silent from now on. */
  suspect(): void {
    const { silenceMs: timeoutMs } = this.#settings;
    void this.#askForLife(timeoutMs).then((isAnswered) => {
      const mayFail = !this.#reception.hasEnded && !this.#isStopping;
      if (!isAnswered && mayFail && this.#quietMs >= timeoutMs)
        this.#fail({ code: "peer-silent", timeoutMs });
    });
  }

  async close(reason: string): Promise<void> {
    this.#fail({ code: "closed-by-us", reason });
    this.#leave();
    await this.done;
  }

  /**
   * Ends the session without loss: requests nothing more, ends our side, takes what still arrives until the peer
   * ends its side or `drainMs` have passed. Idempotent; resolves when the session is done.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    this.#signs.tell(true);
    // Nothing was requested before the handshake.
    if (!this.#handshake.done) return this.close("Muninn stops");
    this.#leaveWithin(drainMs);
    await this.done;
  }

  get #quietMs(): number {
    return this.#gate.isPaused ? 0 : performance.now() - this.#lastByteAt;
  }

  /** Sends a request that every living peer answers: one without metrics answers for data points. */
  async #askForLife(timeoutMs: number): Promise<boolean> {
    this.#metrics.probe();
    return (await this.#dataPoints.request([], timeoutMs)) !== undefined;
  }

  #answersGrow(deltaBytes: number): void {
    if (!this.answerShare.grow(deltaBytes)) throw new SessionError({ code: "no-room" });
  }

  #resume(): void {
    this.#readingSince = performance.now();
    this.#lastByteAt = this.#readingSince;
    this.connection.stream.resume();
  }

  /** Only the first fault counts; the peer gets a moment to read a refusal. */
  #fail(fault: SessionFault | ProtocolError | SessionError): void {
    this.#reception.scan();
    this.#fault ??= fault instanceof Error ? fault : new SessionError(fault);
    this.#reception.end();
    this.#signs.tell(false);
    this.#leaveWithin(refusalReadMs);
    this.connection.stream.resume();
  }

  #peerEnded(): void {
    this.#reception.scan();
    if (!this.#handshake.done) this.#fault ??= new SessionError({ code: "handshake-cut" });
    this.#leaveWithin(refusalReadMs);
  }

  /** Requests nothing more and ends our side; the connection is gone in `delayMs`, whatever the peer does. */
  #leaveWithin(delayMs: number): void {
    this.#traces.stopAsking();
    this.#metrics.end();
    this.connection.stream.end();
    const at = performance.now() + delayMs;
    if (this.#isOver || (this.#closing !== undefined && this.#closing.at <= at)) return;
    clearTimeout(this.#closing?.timer);
    this.#closing = { at, timer: setTimeout(() => this.#leave(), delayMs) };
  }

  #leave(): void {
    this.connection.stream.destroy();
    // Does not wait for the stream's event, which others control.
    void this.#closed();
  }

  async #closed(): Promise<void> {
    if (this.#isOver) return;
    this.#reception.scan();
    this.#isOver = true;
    this.#reception.end();
    clearTimeout(this.#handshakeDeadline);
    clearTimeout(this.#closing?.timer);
    this.#signs.tell(false);
    for (const side of Object.values(this.#sides)) side.end();
    this.#gate.end();
    this.answerShare.leave();
    await this.#naming;
    this.#host.ended(this, {
      node: this.#node,
      fault: this.#isProbe ? new SessionError({ code: "probe" }) : this.#fault,
      handshakeDone: this.#handshake.done,
      midReply: this.#traces.midReply,
    });
    this.#resolveDone();
  }

  /** Whether the peer, which connected to us, never sent a byte. */
  get #isProbe(): boolean {
    const isOurs = this.#fault?.fault.code === "closed-by-us";
    return this.connection.opener === "peer" && !this.#hasReceived && !isOurs;
  }
}

/** A fault that a peer's bytes caused; it ends that peer's connection and nothing else. */
function faultOf(error: unknown): ProtocolError | SessionError {
  if (error instanceof ProtocolError || error instanceof SessionError) return error;
  return new SessionError({ code: "internal-error" }, { cause: error });
}
