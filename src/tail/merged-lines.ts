import type { TracedLine } from "./traced-line.js";

/** Lines of one node, some at a time, forwards or backwards in time. */
export type LineSource = AsyncIterator<readonly TracedLine[], unknown, undefined>;

/** Most lines yielded at once: the first ones are not held back until the next file is read. */
const mostAtOnce = 256;

interface Head {
  readonly source: LineSource;
  readonly order: number;
  lines: readonly TracedLine[];
  next: number;
}

/**
 * The lines of all sources in the order of their times: the oldest first if sources go forwards, the newest first if they go
 * backwards. Each source keeps its own order, whatever times its lines have; among equal times the first source comes
 * first, or, backwards, last.
 */
export async function* mergedLines(
  sources: readonly LineSource[],
  direction: "forwards" | "backwards",
): AsyncGenerator<TracedLine[]> {
  const isForwards = direction === "forwards";
  const comesBefore = (one: Head, other: Head): boolean => {
    const a = one.lines[one.next]!.at;
    const b = other.lines[other.next]!.at;
    if (a === b) return one.order < other.order === isForwards;
    return a < b === isForwards;
  };
  const heads = sources.map((source, order): Head => ({ source, order, lines: [], next: 0 }));
  const filled = await Promise.all(heads.map(refill));
  const heap = new Heap(comesBefore);
  for (const [index, head] of heads.entries()) if (filled[index]) heap.push(head);

  let merged: TracedLine[] = [];
  for (let head = heap.first; head !== undefined; head = heap.first) {
    merged.push(head.lines[head.next]!);
    head.next += 1;
    const isEmpty = head.next === head.lines.length;
    if (merged.length === mostAtOnce || isEmpty) {
      yield merged;
      merged = [];
    }
    if (isEmpty && !(await refill(head))) heap.removeFirst();
    else heap.firstChanged();
  }
}

/** Asks a source for its next lines; resolves with false if it has no more. */
async function refill(head: Head): Promise<boolean> {
  for (;;) {
    const { done, value } = await head.source.next();
    if (done) return false;
    if (value.length === 0) continue;
    head.lines = value;
    head.next = 0;
    return true;
  }
}

/** A binary heap: of a thousand nodes only about ten are compared for each line. */
class Heap<Item> {
  readonly #items: Item[] = [];
  readonly #comesBefore: (one: Item, other: Item) => boolean;

  constructor(comesBefore: (one: Item, other: Item) => boolean) {
    this.#comesBefore = comesBefore;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  push(item: Item): void {
    const items = this.#items;
    let place = items.push(item) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#comesBefore(items[place]!, items[parent]!)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  removeFirst(): void {
    const last = this.#items.pop();
    if (this.#items.length === 0 || last === undefined) return;
    this.#items[0] = last;
    this.firstChanged();
  }

  firstChanged(): void {
    const items = this.#items;
    for (let place = 0; ; ) {
      let best = place;
      for (const child of [2 * place + 1, 2 * place + 2])
        if (child < items.length && this.#comesBefore(items[child]!, items[best]!)) best = child;
      if (best === place) return;
      this.#swap(place, best);
      place = best;
    }
  }

  #swap(one: number, other: number): void {
    const item = this.#items[one]!;
    this.#items[one] = this.#items[other]!;
    this.#items[other] = item;
  }
}
