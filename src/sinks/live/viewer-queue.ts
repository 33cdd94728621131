import type { DropReason } from "../drop-reasons.js";
import type { ObjectUnderWay } from "./live-object.js";

/** Sends to a viewer; resolves when it has accepted the text, rejects if it is gone. */
export type Send = (text: string) => Promise<void>;

export interface ViewerQueueOptions {
  readonly send: Send;
  /** Most bytes that it may hold at present, waiting and on their way. */
  readonly maxBytes: () => number;
  /** This many lines were missed. */
  readonly onMissed: (objects: number) => void;
}

/** Longest message, in characters, unless one object is longer. */
const maxMessageLength = 1_048_576;
/** Most objects that may wait. */
const maxObjects = 5_000;

/** What waits for one viewer, with one message on its way at a time. Objects not read in time are missed, the oldest first. */
export class ViewerQueue {
  readonly #options: ViewerQueueOptions;
  readonly #waiting: ObjectUnderWay[] = [];
  /** Index of the first object that still waits. */
  #first = 0;
  #bytes = 0;
  #missed = 0;
  #skipped = 0;
  #isSending = false;
  #isOver = false;

  constructor(options: ViewerQueueOptions) {
    this.#options = options;
  }

  /** Bytes held: two for each character. */
  get bytes(): number {
    return this.#bytes;
  }

  add(object: ObjectUnderWay): void {
    object.addReceiver();
    const bytes = bytesOf(object);
    const most = this.#options.maxBytes();
    while (this.#length > 0 && (this.#bytes + bytes > most || this.#length >= maxObjects)) {
      const oldest = this.#shift();
      this.#bytes -= bytesOf(oldest);
      this.#miss(oldest, "queue-full");
    }
    if (this.#bytes + bytes > most) {
      this.#miss(object, bytes > most ? "too-large" : "queue-full");
      return;
    }
    this.#waiting.push(object);
    this.#bytes += bytes;
  }

  /** This many objects were skipped for lack of time. */
  skip(objects: number): void {
    this.#skipped += objects;
  }

  /** Sends one message of what waits, unless the viewer has not accepted the last message yet. */
  flush(): void {
    if (this.#isSending || this.#isOver) return;
    void this.#sendNext();
  }

  /** The viewer has left. Idempotent. */
  end(reason: DropReason): void {
    this.#isOver = true;
    while (this.#length > 0) {
      const object = this.#shift();
      this.#bytes -= bytesOf(object);
      object.settle(reason);
    }
  }

  /** Everything that takes time is done before this waits, so that the caller can measure it. */
  async #sendNext(): Promise<void> {
    if (this.#length === 0 && this.#missed === 0 && this.#skipped === 0) return;
    this.#isSending = true;
    const texts = this.#takeGaps();
    const objects = this.#takeMessage();
    if (objects.length > 0) texts.push(`{"objects":[${objects.map(({ json }) => json).join(",")}]}`);
    try {
      await Promise.all(texts.map((text) => this.#options.send(text)));
      for (const object of objects) object.sent();
    } catch {
      for (const object of objects) object.settle("receiver-left");
      this.end("receiver-left");
    }
    for (const object of objects) this.#bytes -= bytesOf(object);
    this.#isSending = false;
  }

  #takeGaps(): string[] {
    const gaps: string[] = [];
    if (this.#missed > 0) gaps.push(`{"missed":${this.#missed}}`);
    if (this.#skipped > 0) gaps.push(`{"skipped":${this.#skipped}}`);
    this.#missed = 0;
    this.#skipped = 0;
    return gaps;
  }

  #takeMessage(): ObjectUnderWay[] {
    const objects: ObjectUnderWay[] = [];
    let length = 0;
    while (this.#length > 0 && (length === 0 || length < maxMessageLength)) {
      const object = this.#shift();
      length += object.json.length;
      objects.push(object);
    }
    return objects;
  }

  #miss(object: ObjectUnderWay, reason: DropReason): void {
    this.#missed += 1;
    this.#options.onMissed(1);
    object.settle(reason);
  }

  get #length(): number {
    return this.#waiting.length - this.#first;
  }

  #shift(): ObjectUnderWay {
    const object = this.#waiting[this.#first]!;
    this.#first += 1;
    if (this.#first === this.#waiting.length || this.#first > maxObjects) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    return object;
  }
}

function bytesOf({ json }: ObjectUnderWay): number {
  return 2 * json.length + 64;
}
