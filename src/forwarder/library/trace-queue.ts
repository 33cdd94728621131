import { type Message, MessageEncoder, slabBytes } from "../../protocol/message-encoder.js";
import { Change } from "../change.js";
import { MessageSlab } from "./message-slab.js";

export interface TraceQueueLimits {
  /** Most objects in the queue. */
  readonly objects: number;
  /** Most characters of their texts. */
  readonly characters: number;
}

/**
 * A program's trace objects, queued until a tracer asks for them; if there is no room, the oldest are dropped. They are encoded
 * when they are added: queued texts would be more work for the garbage collector than everything else.
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

  /** Characters of the queued texts. */
  get characters(): number {
    return this.#characters;
  }

  /** Objects dropped for newer ones, or because they were too large. */
  get dropped(): number {
    return this.#dropped;
  }

  /** All objects have been taken and no more will be added. */
  get isOver(): boolean {
    return this.#hasEnded && this.#length === 0;
  }

  /** Returns how many objects were dropped to make room; `too large` if it alone exceeds the limits, and is dropped itself. */
  add(message: Message): number | "too large" {
    const characters = charactersOf(message);
    const { objects: mostObjects, characters: mostCharacters } = this.#limits;
    if (characters > mostCharacters) {
      this.#dropped += 1;
      return "too large";
    }
    let madeRoom = 0;
    while (this.#length >= mostObjects || this.#characters + characters > mostCharacters) {
      this.#dropOldest();
      madeRoom += 1;
    }
    this.#append(message, characters);
    this.#dropped += madeRoom;
    return madeRoom;
  }

  /** No more objects will be added. */
  end(): void {
    this.#hasEnded = true;
    this.#change.notify();
  }

  /** Takes up to `count` of the oldest objects. */
  takeNow(count: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let slab = this.#slabs[0]; slab !== undefined && taken.length < count; slab = this.#slabs[0]) {
      this.#characters -= slab.take(count - taken.length, taken);
      if (slab.length === 0) this.#slabs.shift();
    }
    this.#length -= taken.length;
    return taken;
  }

  /** Like `takeNow`, but waits for the first object; empty if no more will be added or `signal` is aborted. */
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
    this.#change.notify();
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
