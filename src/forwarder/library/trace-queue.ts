import { type Message, MessageEncoder, slabBytes } from "../../protocol/message-encoder.js";
import { Change } from "../change.js";
import { MessageSlab } from "./message-slab.js";

export interface TraceQueueLimits {
  /** Objects that wait at most. */
  readonly objects: number;
  /** Characters of their texts at most. */
  readonly characters: number;
}

/**
 * Trace objects of a program that wait for a tracer to ask; if there is no room, the oldest give way. They are encoded when they
 * come: texts that wait are more work for the garbage collector than all the rest.
 */
export class TraceQueue {
  /** The oldest first; none is empty. */
  readonly #slabs: MessageSlab[] = [];
  readonly #encoder: MessageEncoder;
  readonly #limits: TraceQueueLimits;
  readonly #change = new Change();
  #slabBytes = slabBytes.first;
  #length = 0;
  #characters = 0;
  #dropped = 0;
  #hasEnded = false;

  constructor(host: string, limits: TraceQueueLimits) {
    this.#encoder = new MessageEncoder(host);
    this.#limits = limits;
  }

  get length(): number {
    return this.#length;
  }

  /** Of the texts of those that wait. */
  get characters(): number {
    return this.#characters;
  }

  /** Objects that gave way to newer ones, or were too large. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Every object was taken and no more will come. */
  get isOver(): boolean {
    return this.#hasEnded && this.#length === 0;
  }

  /** Returns how many objects give way to it, or that it is larger than all the room, and is dropped alone. */
  add(message: Message): number | "too large" {
    const characters = charactersOf(message);
    const { objects: mostObjects, characters: mostCharacters } = this.#limits;
    if (characters > mostCharacters) {
      this.#dropped += 1;
      return "too large";
    }
    let gaveWay = 0;
    while (this.#length >= mostObjects || this.#characters + characters > mostCharacters) {
      this.#dropOldest();
      gaveWay += 1;
    }
    this.#append(message, characters);
    this.#dropped += gaveWay;
    return gaveWay;
  }

  /** No more will come. */
  end(): void {
    this.#hasEnded = true;
    this.#change.tell();
  }

  /** Up to `count` of the oldest. */
  takeNow(count: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let slab = this.#slabs[0]; slab !== undefined && taken.length < count; slab = this.#slabs[0]) {
      this.#characters -= slab.take(count - taken.length, taken);
      if (slab.length === 0) this.#slabs.shift();
    }
    this.#length -= taken.length;
    return taken;
  }

  /** As `takeNow`, and waits for the first; empty if no more will come or `signal` is aborted. */
  async take(count: number, signal: AbortSignal): Promise<Uint8Array[]> {
    while (this.#length === 0 && !this.#hasEnded && !signal.aborted) await this.#change.next(signal);
    return signal.aborted ? [] : this.takeNow(count);
  }

  #append(message: Message, characters: number): void {
    const most = this.#encoder.mostBytes(message);
    let slab = this.#slabs.at(-1);
    if (slab === undefined || slab.room < most) {
      slab = new MessageSlab(Math.max(this.#slabBytes, most));
      this.#slabBytes = Math.min(slabBytes.most, 2 * this.#slabBytes);
      this.#slabs.push(slab);
    }
    slab.add(message, characters, this.#encoder);
    this.#length += 1;
    this.#characters += characters;
    this.#change.tell();
  }

  #dropOldest(): void {
    const [slab] = this.#slabs;
    this.#characters -= slab!.dropOldest();
    if (slab!.length === 0) this.#slabs.shift();
    this.#length -= 1;
  }
}

function charactersOf({ machine, human }: Message): number {
  return machine.length + (human?.length ?? 0);
}
