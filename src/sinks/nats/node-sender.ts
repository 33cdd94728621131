import type { SpareMemory } from "../../protocol/spare-memory.js";
import type { Dropped } from "../sink.js";
import { encodePayloadInto, type MessageFacts, payloadBytes } from "./message.js";

/** Waiting objects of one node, and the callback for their outcome. */
export interface WaitingObjects {
  /** Encoded; valid until they are settled. */
  readonly objects: readonly Uint8Array[];
  readonly bytes: number;
  /** Number of the first of them. */
  readonly first: number;
  settle(dropped: Dropped): void;
}

export interface NodeSenderOptions {
  readonly start: string;
  readonly node: MessageFacts["node"];
  readonly batchBytes: number;
  /** Memory for payloads, shared by all senders: new memory for each would keep the garbage collector busy. */
  readonly memory: SpareMemory;
  /** Sends until the stream has it; false if that was given up. Never rejects. */
  readonly publish: (facts: MessageFacts, payload: Uint8Array) => Promise<boolean>;
}

/**
 * Sends the objects of one node, one message at a time: with several at once their order would not survive a retry. Objects
 * that arrive meanwhile form one message, so that a slow stream gets fewer and larger ones.
 */
export class NodeSender {
  readonly #options: NodeSenderOptions;
  readonly #waiting: WaitingObjects[] = [];
  /** How many objects of the first waiting batch are sent already. */
  #sent = 0;
  #next = 1;
  #running: Promise<void> | undefined;

  constructor(options: NodeSenderOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Numbers objects, and sends them in order. */
  send(objects: readonly Uint8Array[], bytes: number, settle: (dropped: Dropped) => void): WaitingObjects {
    const waiting = { objects, bytes, first: this.#next, settle };
    this.#next += objects.length;
    this.#waiting.push(waiting);
    this.#running ??= this.#run();
    return waiting;
  }

  /**
   * Forgets objects that are in no message yet; returns whether there were any. Their numbers are not used again, so readers
   * see that something is missing.
   */
  takeBack(waiting: WaitingObjects): boolean {
    const index = this.#waiting.indexOf(waiting);
    if (index === -1 || (index === 0 && this.#sent > 0)) return false;
    this.#waiting.splice(index, 1);
    return true;
  }

  /** Resolves when nothing waits and nothing is being sent. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // The sender of the first objects may have more to send at once.
    await undefined;
    const { start, node, memory, publish } = this.#options;
    let isGivenUp = false;
    while (this.#waiting.length > 0) {
      const { first, objects, bytes, ended } = this.#take();
      const facts = { start, node, first, count: objects.length };
      const room = memory.take(payloadBytes(bytes));
      isGivenUp ||= !(await publish(facts, encodePayloadInto(room, objects)));
      // Once it is acknowledged it is no longer read.
      if (!isGivenUp) memory.giveBack(room);
      for (const { waiting, last } of ended) waiting.settle(isGivenUp ? { stopped: last } : {});
    }
    this.#running = undefined;
  }

  /**
   * The next objects with consecutive numbers, as many as fit into a message, at least one; and the batches that they
   * complete.
   */
  #take() {
    const { batchBytes } = this.#options;
    const first = this.#waiting[0]!.first + this.#sent;
    const objects: Uint8Array[] = [];
    const ended: { waiting: WaitingObjects; last: number }[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting[0]!;
      if (waiting.first + this.#sent !== first + objects.length) break;
      const from = this.#sent;
      for (; this.#sent < waiting.objects.length; this.#sent += 1) {
        const object = waiting.objects[this.#sent]!;
        if (objects.length > 0 && bytes + object.length > batchBytes) return { first, objects, bytes, ended };
        bytes += object.length;
        objects.push(object);
      }
      ended.push({ waiting, last: this.#sent - from });
      this.#waiting.shift();
      this.#sent = 0;
    }
    return { first, objects, bytes, ended };
  }
}
