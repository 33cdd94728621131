import type { ConsumerInfo, JsMsg } from "@nats-io/jetstream";
import type { NodeIdentity } from "../nodes/identity.js";
import { ProtocolError } from "../protocol/faults.js";
import type { ReceivedBatch } from "../protocol/received-batch.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import { TraceReplyDecoder } from "../protocol/trace-reply-decoder.js";
import type { NatsSession } from "../sinks/nats/link.js";
import { encodePayload, factsIn, MessageError, type MessageFacts, replyHead } from "../sinks/nats/message.js";
import { Arrivals } from "./arrivals.js";
import type { BatchWriter, OpenNode } from "./batch-writer.js";
import type { ByteBudget } from "./byte-budget.js";
import type { CollectCounts } from "./collect-counts.js";
import { MessageParts } from "./message-parts.js";
import type { Position } from "./position.js";
import type { UnfinishedPayloads } from "./unfinished-payloads.js";

export interface SubjectReaderOptions {
  readonly session: NatsSession;
  readonly stream: string;
  readonly subject: string;
  /** Name of the durable consumer, and of the position's file. */
  readonly durable: string;
  readonly position: Position;
  readonly writer: BatchWriter;
  readonly counts: CollectCounts;
  readonly maxObjectBytes: number;
  /** Bytes of messages that have arrived and are not written. */
  readonly maxAheadBytes: number;
  readonly memory: SpareMemory;
  readonly held: HeldMemory;
  /** Whether a directory that may not exist yet may be written to now. */
  readonly mayWriteTo: (directory: string) => Promise<boolean>;
}

/** Memory held by all readers together. */
export interface HeldMemory {
  /** Messages that have arrived. */
  readonly arrived: ByteBudget;
  readonly unfinished: UnfinishedPayloads;
  /** Batches that are being written. */
  readonly batches: ByteBudget;
}

/** Our headers have some hundred bytes; longer ones are not read. */
const mostHeaderBytes = 16 * 1_024;
/** Memory of a batch, as a multiple of its payload: its objects, and the lines made of them. */
const memoryPerByte = 4;

/** Lost deliveries are sent again after this long, unless a later message shows the loss earlier. */
const acknowledgeWaitNs = 30_000_000_000;

/** A message with another number than expected: something before it was lost in transit, or is not in the stream. */
class Jump extends Error {}

/** Reads one subject in the order of the stream, writes it, and acknowledges what is safe. */
export class SubjectReader {
  readonly #options: SubjectReaderOptions;
  readonly #parts: MessageParts;
  #node: OpenNode | undefined;
  /** Whether another collector has read here since: then we do not know which numbers it had. */
  #isInherited = false;
  #isEvicted = false;
  #stopReading = () => {};

  constructor(options: SubjectReaderOptions) {
    this.#options = options;
    this.#parts = new MessageParts({
      maxBytes: options.maxObjectBytes + 65_536,
      unfinished: options.held.unfinished,
      onEvicted: () => {
        this.#isEvicted = true;
        this.#stopReading();
      },
    });
  }

  /** Reads until `signal` ends it or the connection ends. @throws the error that prevents reading or writing */
  async run(signal: AbortSignal): Promise<void> {
    // Missing messages are requested once more, from where the files end: deliveries may have been lost in transit.
    let isSecondLook = false;
    try {
      while (!signal.aborted) {
        try {
          await this.#read(signal, isSecondLook);
          return;
        } catch (error) {
          if (!(error instanceof Jump)) throw error;
          isSecondLook = true;
        }
      }
    } finally {
      this.#parts.forget();
      this.#node?.close();
      this.#node = undefined;
    }
  }

  async #read(signal: AbortSignal, isSecondLook: boolean): Promise<void> {
    const { session, stream, durable, maxAheadBytes, held } = this.#options;
    this.#parts.forget();
    await this.#makeConsumer();
    const { jetstream } = await import("@nats-io/jetstream");
    const arrivals = new Arrivals(held.arrived);
    const consumer = await jetstream(arrivals.watched(session.connection)).consumers.get(stream, durable);
    const messages = await consumer.consume({ max_bytes: maxAheadBytes });
    const ending = AbortSignal.any([signal, session.over]);
    const end = () => messages.stop();
    ending.addEventListener("abort", end, { once: true });
    this.#stopReading = end;
    let mayJump = isSecondLook;
    try {
      if (ending.aborted) return;
      for await (const message of messages) {
        const { headerBytes } = arrivals.take();
        if (ending.aborted) return;
        if (await this.#take(message, headerBytes, mayJump, ending)) mayJump = false;
      }
      if (this.#isEvicted) throw new Error("its unfinished batch is too large for the memory that there is");
    } finally {
      this.#isEvicted = false;
      ending.removeEventListener("abort", end);
      messages.stop();
      arrivals.end();
    }
  }

  /**
   * Recreates the durable consumer after the last message written: otherwise messages delivered to a reader that is gone
   * would arrive after newer ones, and a reader that has lost its lease would still get messages.
   */
  async #makeConsumer(): Promise<void> {
    const { session, stream, subject, durable, position } = this.#options;
    const { manager } = session;
    const { AckPolicy, DeliverPolicy } = await import("@nats-io/jetstream");
    const { created, state } = await manager.streams.info(stream);
    const before = await this.#consumerInfo();
    if (position.written.created !== created) position.startAgain(created);
    const acknowledged = Math.max(acknowledgedBy(before), position.written.inherited ?? 0);
    const { underWay } = position.written;
    if (underWay !== undefined && acknowledged >= underWay.sequence) position.end();
    this.#isInherited = acknowledged > position.written.sequence;
    if (this.#isInherited) await position.inherit(acknowledged);
    // A stream that lost its end in a power failure uses the same numbers again: then everything is read once more.
    const from = Math.max(position.written.sequence, acknowledged) + 1;
    const isBeyond = from > state.last_seq + 1;
    if (before !== undefined) await manager.consumers.delete(stream, durable);
    await manager.consumers.add(stream, {
      durable_name: durable,
      filter_subject: subject,
      ack_policy: AckPolicy.All,
      ack_wait: acknowledgeWaitNs,
      max_ack_pending: -1,
      ...(isBeyond || from === 1
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from }),
    });
  }

  async #consumerInfo(): Promise<ConsumerInfo | undefined> {
    const { session, stream, durable } = this.#options;
    const { JetStreamApiCodes, JetStreamApiError } = await import("@nats-io/jetstream");
    try {
      return await session.manager.consumers.info(stream, durable);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)
        return undefined;
      throw error;
    }
  }

  /** Returns whether the message had something to write. */
  async #take(message: JsMsg, headerBytes: number, mayJump: boolean, ending: AbortSignal): Promise<boolean> {
    const { counts, position, subject } = this.#options;
    try {
      counts.messages += 1;
      if (headerBytes > mostHeaderBytes) throw new MessageError({ code: "malformed", what: "long headers" });
      const facts = factsIn(message.headers);
      const { next } = position.written;
      const awaited = next[seriesOf(facts)];
      if (awaited !== undefined && facts.first + facts.count <= awaited) {
        counts.repeatedObjects += facts.count;
        return this.#pass(message);
      }
      const joined = this.#parts.add({ facts, data: message.data });
      if (joined === "more to come") return false;
      if (joined === "missing") {
        if (!mayJump) throw new Jump();
        counts.torn(subject, facts);
        return this.#pass(message);
      }
      await this.#write(message, facts, joined.whole, mayJump, ending);
      return true;
    } catch (error) {
      if (!(error instanceof MessageError) || error.fault.code === "newer-format") throw error;
      counts.refused(subject, error);
      return this.#pass(message);
    }
  }

  #pass(message: JsMsg): false {
    // A part is acknowledged together with the whole.
    if (this.#parts.hasBegun) return false;
    this.#options.position.pass(message.seq);
    message.ack();
    return false;
  }

  async #write(
    message: JsMsg,
    facts: MessageFacts,
    payload: readonly Uint8Array[],
    mayJump: boolean,
    ending: AbortSignal,
  ): Promise<void> {
    const { counts, position, writer, subject, held } = this.#options;
    const series = seriesOf(facts);
    const { next, underWay } = position.written;
    const awaited = next[series] ?? (this.#isInherited ? facts.first : 1);
    const missing = this.#isInherited ? 0 : facts.first - awaited;
    if (missing > 0 && !mayJump) throw new Jump();
    const payloadBytes = payload.reduce((sum, { length }) => sum + length, 0);
    const leave = await held.batches.enter(memoryPerByte * payloadBytes, ending);
    if (leave === undefined) return;
    let batch: ReceivedBatch | undefined;
    try {
      batch = this.#decode(facts, payload);
      const node = await this.#open(facts);
      if (missing > 0) counts.missing(subject, facts, missing);
      if (underWay?.series === series && underWay.first === facts.first && underWay.count === facts.count) {
        await writer.finish(node, batch, position);
        counts.finishedObjects += facts.count;
      } else {
        const known = Math.max(0, awaited - facts.first);
        if (known > 0) batch = this.#without(known, batch);
        const place = {
          sequence: message.seq,
          series,
          first: facts.first + known,
          count: facts.count - known,
        };
        if (!(await writer.write(node, batch, place, position))) return;
        counts.repeatedObjects += known;
      }
    } finally {
      batch?.release();
      leave();
    }
    this.#isInherited = false;
    counts.objects += facts.count;
    message.ack();
  }

  async #open({ node }: MessageFacts): Promise<NodeIdentity> {
    const { writer, durable, mayWriteTo } = this.#options;
    const known = this.#node?.node;
    if (known?.name === node.name && known.directory === node.directory) return known;
    this.#node?.close();
    this.#node = undefined;
    if (!(await mayWriteTo(node.directory)))
      throw new Error("the stream brings too many new directories; those that exist are written to");
    this.#node = await writer.open({ connectionId: durable, ...node });
    return this.#node.node;
  }

  /** @throws MessageError */
  #decode({ count }: Pick<MessageFacts, "count">, payload: readonly Uint8Array[]): ReceivedBatch {
    const { maxObjectBytes, memory } = this.#options;
    const decoder = new TraceReplyDecoder({ maxObjectBytes, memory });
    try {
      for (const piece of [replyHead, ...payload]) decoder.append(piece);
      decoder.scan();
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      decoder.take()?.release();
      throw new MessageError({ code: "malformed", what: "payload" }, { cause });
    }
    const isWhole = decoder.repliesEnded === 1 && !decoder.midReply;
    const batch = decoder.take();
    if (batch !== undefined && isWhole && batch.length === count) return batch;
    batch?.release();
    throw new MessageError({ code: "malformed", what: "count of objects" });
  }

  /** The batch without its first objects, which are written already. */
  #without(known: number, batch: ReceivedBatch): ReceivedBatch {
    const count = batch.length - known;
    const left = encodePayload(Array.from({ length: count }, (_, index) => batch.encoded(known + index)));
    batch.release();
    return this.#decode({ count }, [left]);
  }
}

/** Up to which message a consumer's readers have acknowledged; one that has delivered nothing yet has only its start. */
function acknowledgedBy(consumer: ConsumerInfo | undefined): number {
  if (consumer === undefined) return 0;
  return Math.max(consumer.ack_floor.stream_seq, (consumer.config.opt_start_seq ?? 1) - 1);
}

/** Numbers are counted for each start of a daemon and node. */
function seriesOf({ start, node }: MessageFacts): string {
  return `${start} ${node.slug}`;
}
