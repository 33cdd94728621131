import { KeyIndex } from "./key-index.js";

/** The keys of what one node sent, in order, readable from any index as often as needed. */
export interface SentKeys {
  keysFrom(index: number): AsyncIterable<Float64Array>;
}

/**
 * What was sent and is not found yet, from the next expected key on. It holds one chunk while everything matches, and is
 * filled to a searchable window when something does not.
 */
export class SentWindow {
  readonly #sent: SentKeys;
  #chunks: AsyncIterator<Float64Array>;
  #ended = false;
  #keys: Float64Array = new Float64Array(0);
  #start = 0;
  #end = 0;
  /** Index of the key at `#start` among all that was sent. */
  #position = 0;
  /** Index of the held keys; undefined while nothing is searched. */
  #index: KeyIndex | undefined;

  constructor(sent: SentKeys) {
    this.#sent = sent;
    this.#chunks = sent.keysFrom(0)[Symbol.asyncIterator]();
  }

  /** Index of the next expected key. */
  get position(): number {
    return this.#position;
  }

  /** The next expected key; undefined if nothing is held, see `load`. */
  get head(): number | undefined {
    return this.#start < this.#end ? this.#keys[this.#start] : undefined;
  }

  /** Holds at least one key afterwards, unless all have been taken. */
  async load(): Promise<void> {
    if (this.#start < this.#end) return;
    this.#index = undefined;
    while (this.#start === this.#end && !this.#ended) await this.#append();
  }

  /** Holds `count` keys afterwards, or all that are left, and can be searched. */
  async fill(count: number): Promise<void> {
    while (this.#end - this.#start < count && !this.#ended) await this.#append();
    if (this.#index !== undefined) return;
    this.#index = new KeyIndex();
    this.#addToIndex(this.#start);
  }

  /** Index of the first held key that equals `key`. Needs `fill`. */
  find(key: number): number | undefined {
    return this.#index?.first(key);
  }

  /** Takes the next expected key. */
  advance(): void {
    this.#index?.removeFirst(this.#keys[this.#start]!);
    this.#start += 1;
    this.#position += 1;
  }

  /** Index of the first key in `keys` beyond what is held, found by reading on to the end, and how many were read for it. */
  async findBeyond(keys: ReadonlySet<number>): Promise<{ index: number | undefined; searched: number }> {
    if (this.#ended) return { index: undefined, searched: 0 };
    const first = this.#position + (this.#end - this.#start);
    let index = first;
    for await (const chunk of this.#sent.keysFrom(index)) {
      for (const key of chunk) {
        if (keys.has(key)) return { index, searched: index - first };
        index += 1;
      }
    }
    return { index: undefined, searched: index - first };
  }

  /** Skips everything before `index`, which is beyond what is held. */
  async jump(index: number): Promise<void> {
    await this.#chunks.return?.();
    this.#chunks = this.#sent.keysFrom(index)[Symbol.asyncIterator]();
    this.#start = 0;
    this.#end = 0;
    this.#index = undefined;
    this.#position = index;
    await this.load();
  }

  /** Takes everything left; returns how many keys there were. */
  async drain(): Promise<number> {
    const before = this.#position;
    this.#index = undefined;
    for (;;) {
      this.#position += this.#end - this.#start;
      this.#start = this.#end;
      if (this.#ended) return this.#position - before;
      await this.#append();
    }
  }

  async stop(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #append(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) {
      this.#ended = true;
      return;
    }
    const held = this.#end - this.#start;
    if (held === 0) {
      this.#keys = next.value;
    } else if (this.#end + next.value.length <= this.#keys.length) {
      this.#keys.set(next.value, this.#end);
      this.#end += next.value.length;
      this.#addToIndex(this.#end - next.value.length);
      return;
    } else {
      const joined = new Float64Array((held + next.value.length) * 2);
      joined.set(this.#keys.subarray(this.#start, this.#end));
      joined.set(next.value, held);
      this.#keys = joined;
    }
    this.#start = 0;
    this.#end = held + next.value.length;
    this.#addToIndex(held);
  }

  #addToIndex(from: number): void {
    if (this.#index === undefined) return;
    for (let at = from; at < this.#end; at += 1) {
      this.#index.add(this.#keys[at]!, this.#position + at - this.#start);
    }
  }
}
