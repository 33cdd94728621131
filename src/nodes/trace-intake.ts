import type { ReceivedBatch } from "../protocol/received-batch.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import type { TraceBatch } from "../protocol/trace-batch.js";
import { encodeTraceRequest } from "../protocol/trace-messages.js";
import { TraceReplyDecoder } from "../protocol/trace-reply-decoder.js";
import { AskingDepth } from "./asking-depth.js";
import type { FlightBudget } from "./flight-budget.js";
import { MeanObjectSize } from "./mean-object-size.js";
import type { ReadingTurns } from "./reading-turns.js";

/** Bytes that are worth a write; more at once makes an object hardly cheaper. */
const worthWritingBytes = 256 * 1_024;

export interface TraceIntakeOptions {
  /** Objects per request. */
  readonly requestCount: number;
  /** Most requests outstanding; 1 asks for one reply at a time. */
  readonly requestsAhead: number;
  readonly maxObjectBytes: number;
  readonly budget: FlightBudget;
  readonly turns: ReadingTurns;
  readonly memory: SpareMemory;
  /** Sends the same message so many times. */
  readonly send: (message: Uint8Array, times: number) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Hands a batch to whoever makes it safe; resolves with whether it is. If not, a write of it may still be under way. */
export type Deliver = (batch: TraceBatch) => Promise<boolean>;

/**
 * Mini-protocol 2 of one connection: asks for trace objects and cuts the replies into batches. A request counts as
 * open until its reply is *safe*, and no more are open than the node's link is worth; so whatever delays a sink
 * delays the next request. Until the node's name is known batches are held, in the order they came.
 */
export class TraceIntake {
  readonly #options: TraceIntakeOptions;
  readonly #decoder: TraceReplyDecoder;
  readonly #depth: AskingDepth;
  #deliver: Deliver | undefined;
  #held: ReceivedBatch[] = [];
  #requestsSent = 0;
  /** Replies of which every object is safe. */
  #repliesSafe = 0;
  #unsafeBatches = 0;
  #unsafeBytes = 0;
  #reservedBytes = 0;
  readonly #objectSize = new MeanObjectSize();
  #asking = false;
  #paused = false;

  constructor(options: TraceIntakeOptions) {
    this.#options = options;
    this.#decoder = new TraceReplyDecoder(options);
    this.#depth = new AskingDepth({ requestCount: options.requestCount, deepest: options.requestsAhead });
    options.budget.join();
    options.turns.join(this);
  }

  startAsking(): void {
    this.#asking = true;
    this.#regulate();
  }

  stopAsking(): void {
    this.#asking = false;
  }

  /** Takes a measured round trip of the connection, see `AskingDepth`. */
  roundTrip(sampleMs: number, wasReading: boolean): void {
    this.#depth.roundTrip(sampleMs, wasReading);
  }

  /** Says where batches go from now on, those held first. */
  deliverTo(deliver: Deliver): void {
    this.#deliver = deliver;
    for (const batch of this.#held.splice(0)) this.#hand(batch, deliver, this.#decoder.repliesEnded);
    this.#regulate();
  }

  /** Takes bytes of the mini-protocol; `flush` makes a batch of what they complete. */
  receive(bytes: Uint8Array): void {
    this.#decoder.append(bytes);
  }

  /** Hands on whatever whole objects have arrived. @throws ProtocolError where other bytes came, after that */
  flush(): void {
    try {
      this.#decoder.scan();
    } finally {
      // Whole objects that came before bad bytes are as good as any.
      this.#takeBatch();
    }
  }

  /** Our turn to be read has come, or we have to wait for it. */
  turnChanged(): void {
    this.#regulate();
  }

  /** Requests sent whose reply is not safe yet. */
  get openRequests(): number {
    return this.#requestsSent - this.#repliesSafe;
  }

  /** Whether a reply broke off: bytes of an unfinished one are there. */
  get midReply(): boolean {
    return this.#decoder.midReply;
  }

  /** The connection is gone: nothing more is asked for or will come. Batches under way stay under way. */
  end(): void {
    this.#asking = false;
    this.#options.budget.leave();
    this.#options.turns.leave(this);
    this.#reserve(0);
  }

  #takeBatch(): void {
    // A reply nobody asked for is taken, as real acceptors do, and answers no later request.
    this.#requestsSent = Math.max(this.#requestsSent, this.#decoder.repliesEnded);
    const batch = this.#decoder.take();
    if (batch === undefined) return;
    const { length, receivedBytes } = batch;
    this.#depth.received(length, performance.now());
    this.#objectSize.add(length, receivedBytes);
    this.#unsafeBatches += 1;
    this.#unsafeBytes += receivedBytes;
    this.#options.budget.hold(receivedBytes);
    if (this.#deliver === undefined) this.#held.push(batch);
    else this.#hand(batch, this.#deliver, this.#decoder.repliesEnded);
    this.#regulate();
  }

  #hand(batch: ReceivedBatch, deliver: Deliver, repliesEnded: number): void {
    const { receivedBytes } = batch;
    const { turns } = this.#options;
    const passage = turns.begin(receivedBytes);
    if (turns.areNeeded) turns.wait(this);
    const settled = (isSafe: boolean) => {
      turns.end(passage);
      if (isSafe) batch.release();
      this.#unsafeBatches -= 1;
      this.#unsafeBytes -= receivedBytes;
      this.#options.budget.hold(-receivedBytes);
      // Batches become safe in the order they came; the last one carries the replies that ended without objects since.
      this.#repliesSafe = this.#unsafeBatches === 0 ? this.#decoder.repliesEnded : repliesEnded;
      this.#regulate();
    };
    deliver(batch).then(settled, () => settled(false));
  }

  #regulate(): void {
    const { budget, maxObjectBytes, turns } = this.#options;
    // The answer that names the node may stand behind a long first reply, so more of that one is held.
    const patient = this.#deliver === undefined && budget.allows(0);
    const isFull = this.#unsafeBytes > (patient ? maxObjectBytes : budget.perNodeBytes);
    const paused = isFull || turns.holds(this);
    if (paused !== this.#paused) {
      this.#paused = paused;
      if (paused) this.#options.pause();
      else this.#options.resume();
    }
    if (this.#asking) this.#ask();
  }

  #ask(): void {
    const { requestCount, budget, send } = this.#options;
    // Whole bytes: sums of fractions would not come back to nothing.
    const requestBytes = Math.ceil(requestCount * this.#objectSize.bytes);
    const depth = this.#deliver === undefined ? 1 : this.#depthNow(requestBytes);
    const sentBefore = this.#requestsSent;
    while (this.openRequests < depth) {
      if (this.openRequests > 0 && !budget.allows(requestBytes)) break;
      this.#requestsSent += 1;
      this.#reserve((this.openRequests - 1) * requestBytes);
    }
    const more = this.#requestsSent - sentBefore;
    if (more > 0) send(encodeTraceRequest(requestCount), more);
    this.#reserve(Math.max(0, this.openRequests - 1) * requestBytes);
  }

  /**
   * As many as keep the link full. A node that fills its replies has more waiting, however near it is: of that, as
   * much as is worth a write, so that what is written together grows with the load.
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
