import type { DropReason } from "../drop-reasons.js";
import type { ObjectAccount } from "../sink.js";
import { type Answers, DownstreamQueue } from "./downstream-queue.js";
import { WaitingObject } from "./waiting-object.js";

export interface DownstreamsOptions {
  /** Most objects queued for one downstream tracer. */
  readonly queueSize: number;
  /** Most bytes of objects queued for all of them together. */
  readonly queueBytes: number;
  readonly answers: Answers;
  /** Called with the number of objects that a downstream tracer will not receive. */
  readonly onDropped: (reason: DropReason, objects: number) => void;
  /** Runs `task` once open requests have been answered. @default setImmediate */
  readonly soon?: (task: () => void) => void;
}

/**
 * The queues of all downstream tracers. Each object is queued once for each of them. While none is connected one queue remains,
 * and the next tracer takes it over, so objects queued for the last one are not lost.
 */
export class Downstreams {
  readonly #options: DownstreamsOptions;
  readonly #soon: (task: () => void) => void;
  readonly #queues = new Set<DownstreamQueue>();
  #bytes = 0;
  #isTrimming = false;

  constructor(options: DownstreamsOptions) {
    this.#options = options;
    this.#soon = options.soon ?? ((task) => setImmediate(task));
    this.#queues.add(new DownstreamQueue(options.answers));
  }

  /** Number of connected tracers. */
  get connected(): number {
    let count = 0;
    for (const queue of this.#queues) if (queue.isConnected) count += 1;
    return count;
  }

  /** Queued objects, counted once for each tracer, and their bytes, counted once. */
  get waiting(): { readonly objects: number; readonly bytes: number } {
    let objects = 0;
    for (const queue of this.#queues) objects += queue.length;
    return { objects, bytes: this.#bytes };
  }

  /** The queue of a tracer that has just connected. */
  connect(): DownstreamQueue {
    let queue = [...this.#queues].find(({ isConnected }) => !isConnected);
    if (queue === undefined) {
      queue = new DownstreamQueue(this.#options.answers);
      this.#queues.add(queue);
    }
    queue.isConnected = true;
    queue.onRelease = () => this.#left(queue);
    return queue;
  }

  /** Adds objects of one node; it owns them from now on. */
  add(objects: readonly Uint8Array[], account: ObjectAccount): void {
    const waiting = objects.map((bytes) => {
      this.#bytes += bytes.length;
      return new WaitingObject(bytes, this.#queues.size, account, (freed) => {
        this.#bytes -= freed;
      });
    });
    for (const queue of this.#queues) queue.add(waiting);
    while (this.#bytes > this.#options.queueBytes) this.#drop(this.#largest(), 1);
    if (this.#isTrimming) return;
    // Open requests take objects in this turn; the limit applies only to objects that are still queued after it.
    this.#isTrimming = true;
    this.#soon(() => this.#trim());
  }

  /** Drops everything in the queues. */
  stop(): void {
    for (const queue of this.#queues) this.#drop(queue, queue.length, "stopped");
  }

  #trim(): void {
    this.#isTrimming = false;
    for (const queue of this.#queues) {
      const surplus = queue.length - this.#options.queueSize;
      if (surplus > 0) this.#drop(queue, surplus);
    }
  }

  #left(queue: DownstreamQueue): void {
    if (this.connected === 0) return;
    this.#queues.delete(queue);
    this.#drop(queue, queue.length, "receiver-left");
  }

  #largest(): DownstreamQueue {
    return [...this.#queues].reduce((most, queue) => (queue.bytes > most.bytes ? queue : most));
  }

  #drop(queue: DownstreamQueue, count: number, reason: DropReason = "queue-full"): void {
    const dropped = queue.dropOldest(count, reason);
    if (dropped > 0) this.#options.onDropped(reason, dropped);
  }
}
