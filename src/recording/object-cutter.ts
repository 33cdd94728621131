import { breakByte, headBytes, incomplete, indefinite, major, readHead } from "../protocol/cbor-head.js";
import { ItemScanner } from "../protocol/item-scanner.js";
import { MessageAssembler } from "../protocol/message-assembler.js";

const what = "a trace-object reply";
/** `[3, [` with the longest lengths. */
const longestHeadBytes = 27;

/** Cuts what a forwarder sends on mini-protocol 2 into its trace objects, each as the bytes it sent. */
export class ObjectCutter {
  readonly #limits: { readonly what: string; readonly maxBytes: number };
  readonly #scanner: ItemScanner;
  /** The part of a reply's head that has arrived. */
  #head: Uint8Array = new Uint8Array();
  /** Objects left in the current reply; infinite if a break ends it; 0 between replies. */
  #objectsLeft = 0;
  /** Present while an object has begun and not ended. */
  #unfinished: MessageAssembler | undefined;
  #unfinishedBytes = 0;

  constructor(options: { maxObjectBytes: number }) {
    this.#limits = { what: "a trace object", maxBytes: options.maxObjectBytes };
    this.#scanner = new ItemScanner(this.#limits);
  }

  /** Bytes of an object that is not whole. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /**
   * The objects that `bytes` complete.
   * @throws ProtocolError if they are not replies
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    if (this.#unfinished !== undefined) {
      const object = this.#finish(this.#unfinished, bytes);
      if (object === undefined) return;
      at = object.length - this.#unfinishedBytes;
      this.#unfinishedBytes = 0;
      yield Uint8Array.from(object);
    }
    while (at < bytes.length) {
      if (this.#objectsLeft === 0) {
        at = this.#beginReply(bytes, at);
      } else if (this.#objectsLeft === Number.POSITIVE_INFINITY && bytes[at] === breakByte) {
        this.#objectsLeft = 0;
        at += 1;
      } else {
        const end = this.#endOfObject(bytes, at);
        if (end === incomplete) {
          this.#keep(bytes.subarray(at));
          return;
        }
        this.#objectsLeft -= 1;
        yield Uint8Array.from(bytes.subarray(at, end));
        at = end;
      }
    }
  }

  /** Returns where what follows the head of the reply begins. */
  #beginReply(bytes: Uint8Array, at: number): number {
    const known = this.#head.length;
    const next = bytes.subarray(at, at + longestHeadBytes);
    const all = known === 0 ? next : Buffer.concat([this.#head, next]);
    const head = readReplyHead(all);
    if (head === undefined) {
      this.#head = Uint8Array.from(all);
      return bytes.length;
    }
    if (known > 0) this.#head = new Uint8Array();
    this.#objectsLeft = head.objects;
    return at + head.bytes - known;
  }

  /** Looks at the bytes where they are: to copy what follows for each object would take the square of its length. */
  #endOfObject(bytes: Uint8Array, at: number): number {
    readHead(bytes, at, bytes.length, major.array, this.#limits.what);
    this.#scanner.begin(at);
    return this.#scanner.scan(bytes, bytes.length);
  }

  #keep(bytes: Uint8Array): void {
    this.#unfinished = new MessageAssembler(this.#limits);
    this.#finish(this.#unfinished, bytes);
  }

  /** The object, if `bytes` complete it; the assembler has also read what follows, and is of no further use. */
  #finish(unfinished: MessageAssembler, bytes: Uint8Array): Uint8Array | undefined {
    const [object] = unfinished.push(bytes);
    if (object === undefined) {
      this.#unfinishedBytes += bytes.length;
      return undefined;
    }
    this.#unfinished = undefined;
    this.#objectsLeft -= 1;
    return object;
  }
}

/** Length of `[3, [` and how many objects follow; undefined if part of it is missing. */
function readReplyHead(bytes: Uint8Array): { bytes: number; objects: number } | undefined {
  const end = bytes.length;
  if (readHead(bytes, 0, end, major.array, what) === incomplete) return undefined;
  const keyAt = headBytes(bytes[0]!);
  if (readHead(bytes, keyAt, end, major.uint, what) === incomplete) return undefined;
  const listAt = keyAt + headBytes(bytes[keyAt]!);
  if (listAt >= end) return undefined;
  const listEnd = listAt + headBytes(bytes[listAt]!);
  if (bytes[listAt] === indefinite.array) return { bytes: listEnd, objects: Number.POSITIVE_INFINITY };
  const objects = readHead(bytes, listAt, end, major.array, what);
  return objects === incomplete ? undefined : { bytes: listEnd, objects };
}
