import { type Message, MessageEncoder } from "../../protocol/message-encoder.js";
import { ObjectQueue } from "../object-queue.js";

export interface TraceQueueLimits {
  /** Objects that wait at most. */
  readonly objects: number;
  /** Characters of their texts at most. */
  readonly characters: number;
}

/** Trace objects of a program that wait for a tracer to ask; if there is no room, the oldest give way. */
export class TraceQueue {
  readonly #queue = new ObjectQueue<Message>();
  readonly #encoder: MessageEncoder;
  readonly #limits: TraceQueueLimits;
  #characters = 0;
  #dropped = 0;

  constructor(host: string, limits: TraceQueueLimits) {
    this.#encoder = new MessageEncoder(host);
    this.#limits = limits;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Objects that gave way to newer ones. */
  get dropped(): number {
    return this.#dropped;
  }

  get isOver(): boolean {
    return this.#queue.isOver;
  }

  /** Returns how many objects give way to it; it is one of them itself where it is larger than all the room. */
  add(object: Message): number {
    const size = sizeOf(object);
    let dropped = 0;
    const { objects, characters } = this.#limits;
    while (
      this.#queue.length > 0 &&
      (this.#queue.length >= objects || this.#characters + size > characters)
    ) {
      const [oldest] = this.#queue.takeNow(1);
      this.#characters -= sizeOf(oldest!);
      dropped += 1;
    }
    if (size > characters) dropped += 1;
    else {
      this.#characters += size;
      this.#queue.add([object]);
    }
    this.#dropped += dropped;
    return dropped;
  }

  /** No more will come. */
  end(): void {
    this.#queue.end();
  }

  takeNow(count: number): Uint8Array[] {
    return this.#encoded(this.#queue.takeNow(count));
  }

  async take(count: number, signal: AbortSignal): Promise<Uint8Array[]> {
    return this.#encoded(await this.#queue.take(count, signal));
  }

  #encoded(objects: readonly Message[]): Uint8Array[] {
    return objects.map((object) => {
      this.#characters -= sizeOf(object);
      return this.#encoder.encode(object);
    });
  }
}

function sizeOf({ machine, human }: Message): number {
  return machine.length + (human?.length ?? 0);
}
