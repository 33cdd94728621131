import type { TraceBatch } from "../../protocol/trace-batch.js";
import type { Dropped } from "../sink.js";
import { EntryWriter, entryBound, entryHead, type JournalEntry } from "./journal-entry.js";
import type { Frame } from "./journal-sender.js";
import type { Libc } from "./libc.js";
import { MessageTable } from "./message-table.js";

/** Entries in one call; more would not make it cheaper. */
const entriesPerTable = 256;
/** Entries of this size and larger are sent as files in memory: each would take a good part of a socket's buffer. */
const largeEntryBytes = 64 * 2 ** 10;
const tableBytes = 4 * largeEntryBytes;
/** journald accepts no larger field. */
const mostMessageBytes = 768 * 2 ** 20;
/** Tables kept for the next entries. */
const spareTables = 4;

/** A batch that is being sent. */
interface Delivery {
  readonly node: string;
  readonly head: Uint8Array;
  readonly batch: TraceBatch;
  /** How many of its objects are in frames, have been read by journald, and are too large for it. */
  framed: number;
  read: number;
  tooLarge: number;
  readonly settle: (dropped: Dropped | undefined) => void;
  readonly fail: (error: unknown) => void;
  readonly settled: Promise<Dropped | undefined>;
}

/** A frame of entries, and the batches they belong to. */
export type BatchFrame = Frame & { readonly parts: { readonly delivery: Delivery; entries: number }[] };

/** Makes frames of batches in order, and settles each batch when all of it is read. */
export class EntryQueue {
  readonly #libc: Libc;
  readonly #format: "ForMachine" | "ForHuman";
  readonly #writer = new EntryWriter();
  /** All batches that are not settled, oldest first. */
  readonly #deliveries = new Set<Delivery>();
  /** Batches with objects that are in no frame yet. */
  readonly #waiting: Delivery[] = [];
  readonly #spare: MessageTable[] = [];

  constructor(libc: Libc, format: "ForMachine" | "ForHuman") {
    this.#libc = libc;
    this.#format = format;
  }

  /** Resolves when journald has read every entry of the batch, except those dropped. */
  add(node: string, batch: TraceBatch): Promise<Dropped | undefined> {
    const { promise, resolve, reject } = withResolvers<Dropped | undefined>();
    const delivery: Delivery = {
      node,
      head: entryHead(node),
      batch,
      framed: 0,
      read: 0,
      tooLarge: 0,
      settle: resolve,
      fail: reject,
      settled: promise,
    };
    this.#deliveries.add(delivery);
    this.#waiting.push(delivery);
    return promise;
  }

  /** Resolves when every current batch of the node is settled. */
  async drained(node: string): Promise<void> {
    const own = [...this.#deliveries].filter((delivery) => delivery.node === node);
    await Promise.allSettled(own.map(({ settled }) => settled));
  }

  async empty(): Promise<void> {
    await Promise.allSettled([...this.#deliveries].map(({ settled }) => settled));
  }

  /** As many of the next entries as fit into one frame. */
  next(): BatchFrame | undefined {
    let frame: (BatchFrame & { readonly table: MessageTable }) | undefined;
    for (let delivery = this.#waiting[0]; delivery !== undefined; delivery = this.#waiting[0]) {
      while (delivery.framed < delivery.batch.length) {
        const entry = this.#entry(delivery);
        const bound = entryBound(entry);
        const isTooLarge = entry.message.length > mostMessageBytes;
        if (!isTooLarge && bound >= largeEntryBytes) {
          if (frame !== undefined) return frame;
          delivery.framed += 1;
          return { large: this.#whole(entry, bound), parts: [{ delivery, entries: 1 }] };
        }
        if (!isTooLarge && frame?.table.hasRoom(bound) === false) return frame;
        delivery.framed += 1;
        if (isTooLarge) {
          delivery.tooLarge += 1;
          continue;
        }
        frame ??= { table: this.#table(), parts: [] };
        frame.table.add(this.#writer.write(frame.table.bytes, frame.table.at, entry));
        const part = frame.parts.at(-1);
        if (part?.delivery === delivery) part.entries += 1;
        else frame.parts.push({ delivery, entries: 1 });
      }
      this.#waiting.shift();
      this.#settleIfDone(delivery);
    }
    return frame;
  }

  /** journald has read this many more entries of the frame. */
  read(frame: BatchFrame, entries: number): void {
    for (let left = entries; left > 0; ) {
      const part = frame.parts[0]!;
      const now = Math.min(left, part.entries);
      part.entries -= now;
      left -= now;
      part.delivery.read += now;
      if (part.entries === 0) frame.parts.shift();
      this.#settleIfDone(part.delivery);
    }
    if (frame.parts.length > 0 || !("table" in frame) || this.#spare.length >= spareTables) return;
    frame.table.clear();
    this.#spare.push(frame.table);
  }

  /** Drops entries that are not read. */
  giveUp(): void {
    for (const delivery of this.#deliveries) {
      const { batch, read, tooLarge } = delivery;
      const stopped = batch.length - read - tooLarge;
      delivery.settle(tooLarge === 0 ? { stopped } : { stopped, "too-large": tooLarge });
    }
    this.#clear();
  }

  fail(error: unknown): void {
    for (const delivery of this.#deliveries) delivery.fail(error);
    this.#clear();
  }

  #clear(): void {
    this.#deliveries.clear();
    this.#waiting.length = 0;
  }

  #settleIfDone(delivery: Delivery): void {
    const { batch, read, tooLarge } = delivery;
    if (read + tooLarge < batch.length) return;
    this.#deliveries.delete(delivery);
    delivery.settle(tooLarge === 0 ? undefined : { "too-large": tooLarge });
  }

  #entry({ head, batch, framed: index }: Delivery): JournalEntry {
    const human = this.#format === "ForHuman" ? batch.human(index) : undefined;
    return {
      head,
      message: human ?? batch.machine(index),
      severity: batch.severity(index),
      namespace: batch.namespace(index),
      thread: batch.thread(index),
      time: batch.moment(index),
    };
  }

  #whole(entry: JournalEntry, bound: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(bound);
    return bytes.subarray(0, this.#writer.write(bytes, 0, entry));
  }

  #table(): MessageTable {
    return this.#spare.pop() ?? new MessageTable(this.#libc, { entries: entriesPerTable, bytes: tableBytes });
  }
}

function withResolvers<Value>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
}
