import { randomBytes } from "node:crypto";
import { settledWithin } from "../../base/deadline.js";
import type { NodeIdentity } from "../../nodes/identity.js";
import { SpareMemory } from "../../protocol/spare-memory.js";
import { longestName } from "./message.js";
import { NodeSender } from "./node-sender.js";
import type { StreamWriter } from "./stream-writer.js";

/** Most nodes that left and whose numbers are remembered: peers choose names, but the memory is ours. */
const mostGone = 10_000;

/** Frees memory that is no longer needed. */
const releaseEveryMs = 10_000;

/** A sender for each node. */
export class Senders {
  readonly writer: StreamWriter;
  readonly #batchBytes: number;
  /** Stable id of this start: with it and the number of its first object a message is known to the stream. */
  #start = newStart();
  readonly #senders = new Map<string, NodeSender>();
  readonly #memory = new SpareMemory();
  readonly #releasing = setInterval(() => this.#memory.releaseUnused(), releaseEveryMs).unref();

  constructor(options: { readonly writer: StreamWriter; readonly batchBytes: number }) {
    this.writer = options.writer;
    this.#batchBytes = options.batchBytes;
  }

  of({ name, directory, slug }: NodeIdentity): NodeSender {
    // One subject, one sender: numbers continue if a node reconnects, under any name.
    const known = this.#senders.get(slug);
    if (known !== undefined) return known;
    // Then the directory replaces it.
    const isShort = Buffer.byteLength(name) <= longestName;
    const sender = new NodeSender({
      start: this.#start,
      node: { name: isShort ? name : directory, directory, slug },
      batchBytes: this.#batchBytes,
      memory: this.#memory,
      publish: (facts, payload) => this.writer.publish(facts, payload),
    });
    this.#senders.set(slug, sender);
    return sender;
  }

  /** The node has left; its waiting objects are still sent. */
  close({ slug }: NodeIdentity): void {
    const sender = this.#senders.get(slug);
    if (sender === undefined || this.#senders.size <= mostGone) return;
    void sender.drained().then(() => {
      if (this.#senders.get(slug) !== sender || !sender.isIdle) return;
      this.#senders.delete(slug);
      // Numbers of one start are never used twice: the stream would treat new messages as duplicates.
      this.#start = newStart();
    });
  }

  async drained({ slug }: NodeIdentity): Promise<void> {
    await this.#senders.get(slug)?.drained();
  }

  async stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    const all = Promise.all([...this.#senders.values()].map((sender) => sender.drained()));
    await settledWithin(all, deadlineMs);
    this.writer.giveUp();
    await all;
    clearInterval(this.#releasing);
    await this.writer.stop();
  }
}

function newStart(): string {
  return randomBytes(9).toString("base64url");
}
