import { BatchBytes } from "./batch-bytes.js";
import { breakByte, headBytes, incomplete, indefinite, major, passHead, readHead } from "./cbor-head.js";
import { ProtocolError } from "./faults.js";
import { columns } from "./object-fields.js";
import { ObjectScanner } from "./object-scanner.js";
import { ReceivedBatch } from "./received-batch.js";
import { mostAtOnceBytes, mostAtOnceRows, SpareMemory } from "./spare-memory.js";
import { traceMessage } from "./trace-messages.js";
import { passUsualObject, unusual } from "./usual-object.js";

const what = "a trace-object reply";

/** Rows in the table of a first batch. */
const fewRows = 16;

/** In place of the number of objects left, for a list that ends with a break. */
const untilBreak = Number.POSITIVE_INFINITY;

/**
 * Decodes mini-protocol 2 as a forwarder speaks it: `[3, [object, …]]`, again and again. Objects can be taken as
 * soon as they are complete, long before their reply is.
 */
export class TraceReplyDecoder {
  readonly #maxObjectBytes: number;
  readonly #scanner: ObjectScanner;
  readonly #memory: SpareMemory;
  #coming: BatchBytes;
  /** Everything up to here is decoded: the start of an unfinished object or head. */
  #at = 0;
  /** Bytes and rows of the last batch: about as many are expected next. */
  #usualBytes = 0;
  #usualRows = fewRows;
  /** Objects left in the current reply; undefined between replies. */
  #objectsLeft: number | undefined;
  #objectsInReply = 0;
  #objectsInLastReply = 0;
  #rows = 0;
  /** Rows whose texts are checked; only these can be taken. */
  #soundRows = 0;
  #repliesEnded = 0;

  /** `maxObjectBytes` limits one object as received; a reply has no limit. Many decoders may share one `memory`. */
  constructor(options: { maxObjectBytes: number; memory?: SpareMemory }) {
    this.#maxObjectBytes = options.maxObjectBytes;
    this.#scanner = new ObjectScanner(options);
    this.#memory = options.memory ?? new SpareMemory();
    this.#coming = new BatchBytes(this.#memory);
  }

  /**
   * Appends bytes of the mini-protocol; `scan` decodes them. Many at once are cheaper: fewer objects are cut
   * at their ends.
   */
  append(bytes: Uint8Array): void {
    this.#coming.append(bytes, this.#usualBytes);
  }

  /**
   * Scans what was appended. Whole objects before a fault can still be taken; after a fault nothing more may be
   * appended.
   * @throws ProtocolError
   */
  scan(): void {
    if (this.#at === this.#coming.end) return;
    try {
      while (this.#scanNext());
    } finally {
      // A text that is not UTF-8 comes before whatever ended the scan, so its fault is the one to throw.
      this.#gatherLines();
    }
    if (this.#rows === 0 && this.#at === this.#coming.end) {
      this.#coming.release();
      this.#startAgain(new BatchBytes(this.#memory));
    }
  }

  /** Appends and scans. @throws ProtocolError */
  push(bytes: Uint8Array): void {
    this.append(bytes);
    this.scan();
  }

  /** The whole objects that have arrived since the last call. */
  take(): ReceivedBatch | undefined {
    if (this.#soundRows === 0) return undefined;
    const batch = new ReceivedBatch(this.#coming, this.#soundRows);
    this.#usualBytes = Math.min(this.#coming.end, mostAtOnceBytes);
    this.#usualRows = Math.min(this.#rows + 1, mostAtOnceRows);
    this.#startAgain(new BatchBytes(this.#memory));
    return batch;
  }

  /** Gives back the memory of what has not been taken; nothing more may be appended. */
  discard(): void {
    this.#coming.release();
    this.#at = this.#coming.end;
    this.#startAgain(new BatchBytes(this.#memory));
  }

  /** Replies that have ended since the beginning. */
  get repliesEnded(): number {
    return this.#repliesEnded;
  }

  /** Objects in the reply that ended last; 0 before any has. */
  get objectsInLastReply(): number {
    return this.#objectsInLastReply;
  }

  /** Bytes of objects not taken yet, and of an unfinished one. */
  get pendingBytes(): number {
    return this.#coming.end;
  }

  /** Memory of what has not been taken; after `take` that is an unfinished object. */
  get pendingMemoryBytes(): number {
    return this.#coming.memoryBytes;
  }

  /** Whether a reply has begun and not ended. */
  get midReply(): boolean {
    return this.#objectsLeft !== undefined || this.#at < this.#coming.end;
  }

  /** Releases everything decoded; the rest is copied to new memory and scanned from its start. */
  #startAgain(next: BatchBytes): void {
    const { bytes, end } = this.#coming;
    // No more memory than that: until more comes, others can use it.
    if (this.#at < end) next.append(bytes.subarray(this.#at, end), 0);
    this.#coming = next;
    this.#at = 0;
    this.#scanner.begin(0);
    this.#rows = 0;
    this.#soundRows = 0;
  }

  /** Reads a reply's head, an object or a reply's end; false if some of its bytes are missing. */
  #scanNext(): boolean {
    if (this.#objectsLeft === undefined) return this.#beginReply();
    if (this.#objectsLeft === 0) return this.#endReply(this.#at);
    if (this.#at >= this.#coming.end) return false;
    if (this.#objectsLeft === untilBreak && this.#coming.bytes[this.#at] === breakByte)
      return this.#endReply(this.#at + 1);
    return this.#scanObjects();
  }

  #beginReply(): boolean {
    const { bytes, end } = this.#coming;
    const keyAt = passHead(bytes, this.#at, end, major.array, 2, what);
    const listAt = passHead(bytes, keyAt, end, major.uint, traceMessage.reply, what);
    if (listAt === incomplete || listAt >= end) return false;
    if (bytes[listAt] === indefinite.array) {
      this.#objectsLeft = untilBreak;
      this.#at = listAt + 1;
    } else {
      const count = readHead(bytes, listAt, end, major.array, what);
      if (count === incomplete) return false;
      this.#objectsLeft = count;
      this.#at = listAt + headBytes(bytes[listAt]!);
    }
    this.#objectsInReply = 0;
    this.#scanner.begin(this.#at);
    return true;
  }

  /** Refuses an empty reply: a blocking request, and we send no other, must be answered with objects. */
  #endReply(at: number): boolean {
    if (this.#objectsInReply === 0) {
      throw new ProtocolError({
        code: "unexpected-message",
        what: "empty reply",
        state: "waiting for trace objects",
      });
    }
    this.#objectsLeft = undefined;
    this.#objectsInLastReply = this.#objectsInReply;
    this.#repliesEnded += 1;
    this.#at = at;
    return true;
  }

  /** Scans objects of the usual form, or one of another form. */
  #scanObjects(): boolean {
    if (!this.#scanner.hasBegun && this.#passUsualObjects()) return true;
    this.#coming.makeRow(this.#rows, this.#usualRows);
    const { bytes, end, fields } = this.#coming;
    const objectEnd = this.#scanner.scan(bytes, end, fields, this.#rows * columns);
    if (objectEnd === incomplete) return false;
    this.#passed(1, objectEnd);
    return true;
  }

  /** Whether there was at least one. */
  #passUsualObjects(): boolean {
    const coming = this.#coming;
    const { bytes, view, end } = coming;
    const left = this.#objectsLeft!;
    let at = this.#at;
    let count = 0;
    for (; count < left; count += 1) {
      const row = this.#rows + count;
      coming.makeRow(row, this.#usualRows);
      const objectEnd = passUsualObject(bytes, view, at, end, coming.fields, row * columns);
      if (objectEnd === unusual || objectEnd - at > this.#maxObjectBytes) break;
      at = objectEnd;
    }
    if (count > 0) this.#passed(count, at);
    return count > 0;
  }

  #passed(objects: number, end: number): void {
    this.#rows += objects;
    this.#objectsInReply += objects;
    this.#objectsLeft! -= objects;
    this.#at = end;
    this.#scanner.begin(end);
  }

  /** Allows the objects scanned last to be taken, up to the first whose machine text is not UTF-8. */
  #gatherLines(): void {
    if (this.#soundRows === this.#rows) return;
    this.#soundRows = this.#coming.addLines(this.#soundRows, this.#rows);
    if (this.#soundRows < this.#rows)
      throw new ProtocolError({ code: "invalid-utf8", what: "a trace object's machine text" });
  }
}
