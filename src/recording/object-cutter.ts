import { breakByte, headBytes, incomplete, indefinite, major, readHead } from "../protocol/cbor-head.js";
import { MessageAssembler } from "../protocol/message-assembler.js";

const what = "a trace-object reply";

/** Cuts what a forwarder sends on mini-protocol 2 into its trace objects, each as the bytes it sent. */
export class ObjectCutter {
  readonly #maxObjectBytes: number;
  /** The part of a reply's head that has arrived. */
  #head: Uint8Array = new Uint8Array();
  /** Present during a reply. */
  #objects: MessageAssembler | undefined;
  /** Objects left in the current reply; infinite if a break ends it. */
  #objectsLeft = 0;
  /** Bytes of an unfinished object in the assembler. */
  #pending = 0;

  constructor(options: { maxObjectBytes: number }) {
    this.#maxObjectBytes = options.maxObjectBytes;
  }

  /**
   * The objects that `bytes` complete.
   * @throws ProtocolError if they are not replies
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#objects === undefined) rest = this.#beginReply(rest);
      else rest = yield* this.#cut(this.#objects, rest);
    }
  }

  /** Returns what follows the head of the reply. */
  #beginReply(bytes: Uint8Array): Uint8Array {
    const all = Buffer.concat([this.#head, bytes]);
    const head = readReplyHead(all);
    this.#head = head === undefined ? all : new Uint8Array();
    if (head === undefined) return all.subarray(all.length);
    this.#objectsLeft = head.objects;
    if (head.objects > 0) this.#objects = this.#newAssembler();
    return all.subarray(head.bytes);
  }

  /** Returns what follows the reply. */
  *#cut(objects: MessageAssembler, bytes: Uint8Array): Generator<Uint8Array, Uint8Array> {
    if (this.#pending === 0 && this.#isBreak(bytes[0])) {
      this.#objects = undefined;
      return bytes.subarray(1);
    }
    let at = -this.#pending;
    for (const object of objects.push(bytes)) {
      at += object.length;
      this.#objectsLeft -= 1;
      yield Uint8Array.from(object);
      if (this.#objectsLeft > 0 && !this.#isBreak(bytes[at])) continue;
      // The assembler has also read what follows the reply, so it is of no further use.
      this.#objects = this.#objectsLeft === 0 ? undefined : this.#newAssembler();
      this.#pending = 0;
      return bytes.subarray(at);
    }
    this.#pending = bytes.length - at;
    return bytes.subarray(bytes.length);
  }

  #isBreak(byte: number | undefined): boolean {
    return this.#objectsLeft === Number.POSITIVE_INFINITY && byte === breakByte;
  }

  #newAssembler(): MessageAssembler {
    return new MessageAssembler({ what: "a trace object", maxBytes: this.#maxObjectBytes });
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
