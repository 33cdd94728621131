import { type Major, major } from "./cbor-head.js";
import { CborWriter } from "./cbor-writer.js";
import { type DetailLevel, detailLevels, type Severity, severities } from "./trace-batch.js";
import { extendedTime } from "./trace-time.js";

/** A program's message, ready to be sent. */
export interface Message {
  readonly human: string | undefined;
  readonly machine: string;
  readonly namespace: string;
  readonly severity: Severity;
  readonly details: DetailLevel;
  /** Milliseconds since 1970, a whole number. */
  readonly at: number;
  /** Nanoseconds beyond `at`. @default 0 */
  readonly nanos?: number;
  readonly thread: string;
}

/** Kinds of messages whose constant bytes are kept; a program that makes up more namespaces than that is slower, and no larger. */
const maxKept = 1_000;

/** What comes before `toHuman` and `toMachine`: `[0, …`, of nine items. */
const head = new CborWriter().array(9).int(0).finish();
/** The bytes of the time before its seconds, and between the seconds and the picoseconds. */
const timeHead = new CborWriter().tag(extendedTime.tag).map(2).int(extendedTime.secondsKey).finish();
const picosecondsKey = new CborWriter().int(extendedTime.picosecondsKey).finish();
/** Bytes of everything whose length is not counted separately: heads and the time. */
const maxOtherBytes = 64;
/** A longer text is measured first, so that it does not take three bytes for each of its characters. */
const maxUnmeasured = 4_096;
/** Memory for several messages at once: the first, and at most. */
export const slabBytes = { first: 4_096, most: 65_536 };

/**
 * Encodes messages as trace objects (as `encodeTraceObject`, several times as fast): most bytes of a program's messages are the
 * same again and again, and are made once.
 */
export class MessageEncoder {
  readonly #host: string;
  /** By severity and details, then by namespace. */
  readonly #kinds: Map<string, Uint8Array>[] = [];
  readonly #ends = new Map<string, Uint8Array>();
  #slab = Buffer.alloc(0);
  #used = 0;

  constructor(host: string) {
    this.#host = host;
  }

  /** In memory of its own or shared with other messages; messages are small, and memory for each costs more than to write it. */
  encode(message: Message): Uint8Array {
    const most = this.mostBytes(message);
    if (this.#used + most > this.#slab.length) {
      const usual = Math.min(slabBytes.most, Math.max(slabBytes.first, 2 * this.#slab.length));
      this.#slab = Buffer.allocUnsafeSlow(Math.max(usual, most));
      this.#used = 0;
    }
    const from = this.#used;
    this.#used = this.encodeInto(this.#slab, from, message);
    return this.#slab.subarray(from, this.#used);
  }

  /** Bytes that it takes at most. */
  mostBytes({ human = "", machine, namespace, thread }: Message): number {
    return mostTextBytes(human) + mostTextBytes(machine) + this.#mostConstantBytes(namespace, thread);
  }

  /** Writes a message where there is room for `mostBytes`; returns the position after it. */
  encodeInto(bytes: Buffer, from: number, message: Message): number {
    const { human, machine, namespace, severity, details, at, nanos = 0, thread } = message;
    let position = put(bytes, from, head);
    position = writeHead(bytes, position, major.array, human === undefined ? 0 : 1);
    if (human !== undefined) position = writeText(bytes, position, human);
    position = writeText(bytes, position, machine);
    position = put(bytes, position, this.#kindOf(namespace, severity, details));
    position = writeTime(bytes, position, at, nanos);
    return put(bytes, position, this.#endOf(thread));
  }

  #mostConstantBytes(namespace: string, thread: string): number {
    return maxOtherBytes + mostTextBytes(namespace) + mostTextBytes(thread) + mostTextBytes(this.#host);
  }

  #kindOf(namespace: string, severity: Severity, details: DetailLevel): Uint8Array {
    const index = severities.indexOf(severity) * detailLevels.length + detailLevels.indexOf(details);
    this.#kinds[index] ??= new Map();
    return kept(this.#kinds[index], namespace, () => kindBytes(namespace, severity, details));
  }

  #endOf(thread: string): Uint8Array {
    return kept(this.#ends, thread, () => new CborWriter().text(this.#host).text(thread).finish());
  }
}

function kept(cache: Map<string, Uint8Array>, key: string, make: () => Uint8Array): Uint8Array {
  const known = cache.get(key);
  if (known !== undefined) return known;
  if (cache.size >= maxKept) cache.clear();
  const made = make();
  cache.set(key, made);
  return made;
}

function kindBytes(namespace: string, severity: Severity, details: DetailLevel): Uint8Array {
  const writer = new CborWriter();
  writer.list([namespace], (segment) => writer.text(segment));
  writer.array(1).int(severities.indexOf(severity));
  return writer.array(1).int(detailLevels.indexOf(details)).finish();
}

function writeTime(bytes: Buffer, from: number, at: number, nanos: number): number {
  const seconds = Math.floor(at / 1_000);
  const picoseconds = (at - seconds * 1_000) * 1e9 + nanos * 1_000;
  const position = writeHead(bytes, put(bytes, from, timeHead), major.uint, seconds);
  return writeHead(bytes, put(bytes, position, picosecondsKey), major.uint, picoseconds);
}

function put(bytes: Buffer, position: number, made: Uint8Array): number {
  bytes.set(made, position);
  return position + made.length;
}

/** In UTF-8, a unit of UTF-16 takes three bytes at most. */
function mostTextBytes(text: string): number {
  return text.length <= maxUnmeasured ? 3 * text.length : Buffer.byteLength(text);
}

/** Its length in bytes is known only once it is written: most texts are ASCII, and the head's length is that of so many bytes. */
function writeText(bytes: Buffer, at: number, text: string): number {
  const guess = at + headLength(text.length);
  const length = bytes.write(text, guess);
  const begin = at + headLength(length);
  if (begin !== guess) bytes.copyWithin(begin, guess, guess + length);
  return writeHead(bytes, at, major.text, length) + length;
}

function headLength(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 2 ** 8) return 2;
  return argument < 2 ** 16 ? 3 : 5;
}

/** The shortest head (RFC 8949, 3.1) with an argument up to 2^53. Returns the position after it. */
function writeHead(bytes: Buffer, position: number, type: Major, argument: number): number {
  const first = type << 5;
  if (argument < 24) {
    bytes[position] = first | argument;
    return position + 1;
  }
  if (argument < 2 ** 8) {
    bytes[position] = first | 24;
    bytes[position + 1] = argument;
    return position + 2;
  }
  if (argument < 2 ** 16) {
    bytes[position] = first | 25;
    return bytes.writeUInt16BE(argument, position + 1);
  }
  if (argument < 2 ** 32) {
    bytes[position] = first | 26;
    return bytes.writeUInt32BE(argument, position + 1);
  }
  bytes[position] = first | 27;
  const high = Math.floor(argument / 2 ** 32);
  return bytes.writeUInt32BE(argument - high * 2 ** 32, bytes.writeUInt32BE(high, position + 1));
}
