import type { ReceivedBatch } from "../protocol/received-batch.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import { encodeTraceRequest } from "../protocol/trace-messages.js";
import { TraceReplyDecoder } from "../protocol/trace-reply-decoder.js";
import { FewInTurn } from "../transport/few-in-turn.js";
import { AskingDepth } from "./asking-depth.js";
import type { BudgetMember, FlightBudget } from "./flight-budget.js";
import { HeldBatches } from "./held-batches.js";
import { MeanObjectSize } from "./mean-object-size.js";
import type { MiniProtocolSide } from "./mini-protocol-side.js";
import type { ReadingGate } from "./reading-gate.js";

/** Bytes worth a write; larger writes hardly make an object cheaper. */
const worthWritingBytes = 256 * 1_024;
/** Memory of a batch in addition to its bytes: more than its objects if they are few and small. */
const batchBytes = 1_024;
/** Held objects passed on as soon as their node's name is known; more would take longer. */
const fewObjects = 200;
/** The others are passed on batch by batch: thousands of nodes may get their names at the same time, each with millions. */
const handing = new FewInTurn(1);

export interface TraceIntakeOptions {
  /** Objects per request. */
  readonly requestCount: number;
  /** Most requests outstanding; 1 asks for one reply at a time. */
  readonly requestsAhead: number;
  readonly maxObjectBytes: number;
  /** How long a node's name is awaited after the first request before more is asked for, in milliseconds. */
  readonly namePatienceMs: number;
  readonly budget: FlightBudget;
  readonly gate: ReadingGate;
  readonly memory: SpareMemory;
  /** Sends the same message this many times. */
  readonly send: (message: Uint8Array, times: number) => void;
  /** Unfinished objects of all nodes take too much memory, and this node's is the largest. */
  readonly onEvicted: () => void;
}

/** Passes a batch to the sinks; resolves with whether it is safe. If not, a write of it may still be in progress. */
export type Deliver = (batch: TraceBatch) => Promise<boolean>;

/**
 * Mini-protocol 2 of one connection: requests trace objects and cuts the replies into batches. A request counts as
 * open until its reply is *safe*, and no more are open than the node's link is worth; so whatever delays a sink
 * delays the next request. Until the node's name is known, batches are held in order of arrival. Most nodes give it at
 * once, and nothing more is requested; if it takes longer, requests continue, so that the node's own queue does not
 * overflow.
 */
export class TraceIntake implements MiniProtocolSide, BudgetMember {
  /** Batches that cannot be written yet. */
  readonly held = new HeldBatches();
  readonly #options: TraceIntakeOptions;
  readonly #decoder: TraceReplyDecoder;
  readonly #depth: AskingDepth;
  #deliver: Deliver | undefined;
  #requestsSent = 0;
  /** Replies whose objects are all safe. */
  #repliesSafe = 0;
  #unsafeBatches = 0;
  #unsafeBytes = 0;
  #reservedBytes = 0;
  readonly #objectSize = new MeanObjectSize();
  #asking = false;
  /** Whether more is requested while batches are held: if the node takes long to give its name. */
  #asksUnnamed = false;
  #nameTimer: NodeJS.Timeout | undefined;
  #isLeaving = false;
  #isOver = false;
  /** Bytes of batches since the last `flush`. */
  #batchedBytes = 0;

  constructor(options: TraceIntakeOptions) {
    this.#options = options;
    this.#decoder = new TraceReplyDecoder(options);
    this.#depth = new AskingDepth({ requestCount: options.requestCount, deepest: options.requestsAhead });
    options.budget.join(this);
  }

  startAsking(): void {
    this.#asking = true;
    this.#regulate();
    if (this.#deliver === undefined) {
      this.#nameTimer = setTimeout(() => {
        this.#asksUnnamed = true;
        this.#regulate();
      }, this.#options.namePatienceMs);
    }
  }

  /** What was requested is read to its end, even if a sink is stalled: its memory is reserved. */
  stopAsking(): void {
    this.#isLeaving = true;
    this.#asking = false;
    this.#regulate();
  }

  /** Takes a measured round trip of the connection, see `AskingDepth`. */
  roundTrip(sampleMs: number, wasReading: boolean): void {
    this.#depth.roundTrip(sampleMs, wasReading);
  }

  /** Takes bytes of the mini-protocol; `flush` makes a batch of the objects they complete. */
  receive(bytes: Uint8Array): void {
    if (!this.#isOver) this.#decoder.append(bytes);
  }

  /**
   * Passes on the whole objects that have arrived; returns their bytes. @throws ProtocolError if other bytes arrived, after
   * that
   */
  flush(): number {
    this.#batchedBytes = 0;
    if (this.#isOver) return 0;
    try {
      this.#decoder.scan();
    } finally {
      // Whole objects before bad bytes are kept.
      this.#takeBatch();
      this.#options.budget.unfinished(this, this.#decoder.pendingMemoryBytes);
    }
    return this.#batchedBytes;
  }

  /** The node has sent what it can: until its batches have a destination, it waits. */
  nameKnown(): void {
    clearTimeout(this.#nameTimer);
    this.#nameTimer = undefined;
    this.#asksUnnamed = false;
  }

  /** Sets the destination of batches, held ones first; resolves when these are passed on. */
  deliverTo(deliver: Deliver): Promise<void> {
    return new Promise((resolve) => {
      const begin = () => this.#handHeld(deliver, resolve);
      if (this.held.objects <= fewObjects) begin();
      else handing.add(begin);
    });
  }

  #handHeld(deliver: Deliver, done: () => void): void {
    for (;;) {
      const batch = this.held.takeFirst();
      if (batch === undefined) break;
      this.#options.budget.holdUnnamed(-batch.memoryBytes);
      const isLast = this.held.objects === 0;
      this.#hand(batch, deliver, isLast ? this.#decoder.repliesEnded : this.#repliesSafe);
      if (this.held.objects <= fewObjects) continue;
      handing.add(() => this.#handHeld(deliver, done));
      return;
    }
    this.#deliver = deliver;
    this.#regulate();
    done();
  }

  /** Discards what is held, which will never be written; returns it. */
  refuse(): { objects: number; bytes: number } {
    const refused = { objects: 0, bytes: 0 };
    for (const batch of this.held.take()) {
      refused.objects += batch.length;
      refused.bytes += batch.receivedBytes;
      this.#options.budget.holdUnnamed(-batch.memoryBytes);
      this.#settle(batch.receivedBytes, batch.memoryBytes);
      batch.release();
    }
    return refused;
  }

  /** Requests sent whose reply is not safe yet. */
  get openRequests(): number {
    return this.#requestsSent - this.#repliesSafe;
  }

  /** Whether a reply is incomplete. */
  get midReply(): boolean {
    return this.#decoder.midReply;
  }

  roomChanged(): void {
    this.#regulate();
  }

  evict(): void {
    this.#forget();
    this.#options.onEvicted();
  }

  /** Nothing more is requested or will arrive. Batches in progress continue. */
  end(): void {
    this.#asking = false;
    this.nameKnown();
    this.held.end();
    this.#options.budget.leave(this);
    this.#reserve(0);
    this.#forget();
  }

  /** Discards the unfinished object, to release its memory now: the connection may take a while to close, and be garbage-collected much later. */
  #forget(): void {
    this.#isOver = true;
    this.#decoder.discard();
    this.#options.budget.unfinished(this, 0);
  }

  #takeBatch(): void {
    // As in real acceptors, an unrequested reply is accepted and answers no later request.
    this.#requestsSent = Math.max(this.#requestsSent, this.#decoder.repliesEnded);
    const batch = this.#decoder.take();
    if (batch === undefined) return;
    const { length, receivedBytes } = batch;
    this.#batchedBytes = receivedBytes;
    this.#depth.received(length, performance.now());
    this.#objectSize.add(length, receivedBytes);
    this.#unsafeBatches += 1;
    this.#unsafeBytes += receivedBytes + batchBytes;
    this.#options.budget.hold(batch.memoryBytes + batchBytes);
    if (this.#deliver === undefined) {
      this.held.add(batch);
      this.#options.budget.holdUnnamed(batch.memoryBytes);
    } else this.#hand(batch, this.#deliver, this.#decoder.repliesEnded);
    this.#regulate();
  }

  #hand(batch: ReceivedBatch, deliver: Deliver, repliesEnded: number): void {
    const { receivedBytes, memoryBytes } = batch;
    const arrived = this.#options.gate.begin(receivedBytes);
    const settled = (isSafe: boolean) => {
      arrived();
      if (isSafe) batch.release();
      this.#settle(receivedBytes, memoryBytes);
      // Batches become safe in order of arrival; the last one carries the replies that ended without objects since.
      this.#repliesSafe = this.#unsafeBatches === 0 ? this.#decoder.repliesEnded : repliesEnded;
      this.#regulate();
    };
    deliver(batch).then(settled, () => settled(false));
  }

  #settle(receivedBytes: number, memoryBytes: number): void {
    this.#unsafeBatches -= 1;
    this.#unsafeBytes -= receivedBytes + batchBytes;
    this.#options.budget.hold(-(memoryBytes + batchBytes));
  }

  #regulate(): void {
    const { budget, gate } = this.#options;
    // The answer with the name may follow all requested objects: that much more must be read, or it never arrives.
    const isUnnamed = this.#deliver === undefined;
    const mostBytes = isUnnamed ? 2 * budget.perUnnamedBytes : budget.perNodeBytes;
    const holdsSome = this.#unsafeBytes > 0;
    const isStopped = isUnnamed ? budget.stopsUnnamed(holdsSome) : budget.stops(holdsSome);
    gate.isFull = (!this.#isLeaving && this.#unsafeBytes > mostBytes) || isStopped;
    const mayAsk = !isUnnamed || this.#asksUnnamed || this.#requestsSent === 0;
    if (this.#asking && mayAsk) this.#ask();
  }

  #ask(): void {
    const { requestCount, send } = this.#options;
    // Whole bytes: sums of fractions would not return to zero.
    const requestBytes = Math.ceil(requestCount * this.#objectSize.bytes);
    const depth = this.#depthNow(requestBytes);
    // While nothing can be written yet, what is held must not keep the node's own queue from being emptied.
    const answered = this.#deliver === undefined ? this.#decoder.repliesEnded : this.#repliesSafe;
    const sentBefore = this.#requestsSent;
    while (this.#requestsSent - answered < depth) {
      const isFirst = this.openRequests === 0;
      if (!isFirst && !this.#mayAskAhead(requestBytes)) break;
      this.#requestsSent += 1;
      this.#reserve((this.#requestsSent - answered - 1) * requestBytes);
    }
    const more = this.#requestsSent - sentBefore;
    if (more > 0) send(encodeTraceRequest(requestCount), more);
    this.#reserve(Math.max(0, this.#requestsSent - answered - 1) * requestBytes);
  }

  #mayAskAhead(requestBytes: number): boolean {
    const { budget } = this.#options;
    const isUnnamed = this.#deliver === undefined;
    if (isUnnamed && this.#unsafeBytes + requestBytes > budget.perUnnamedBytes) return false;
    return budget.allows(requestBytes);
  }

  /**
   * As many as keep the link full. A node that fills its replies has more waiting, however near it is: of that, as
   * much as is worth a write, so that writes grow with the load.
   */
  #depthNow(requestBytes: number): number {
    const { requestCount, requestsAhead, budget } = this.#options;
    const linkDepth = this.#depth.current(performance.now());
    if (this.#decoder.objectsInLastReply < requestCount) return linkDepth;
    const worthAsking = Math.floor(Math.min(worthWritingBytes, budget.perNodeBytes) / requestBytes);
    return Math.min(requestsAhead, Math.max(linkDepth, worthAsking));
  }

  #reserve(bytes: number): void {
    this.#options.budget.reserve(bytes - this.#reservedBytes);
    this.#reservedBytes = bytes;
  }
}
