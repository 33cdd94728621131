import { headBytes, incomplete, type Major, major, passHead, readHead, unexpected } from "./cbor-head.js";
import { ProtocolError } from "./faults.js";
import type { Moment } from "./trace-batch.js";

const what = "a trace object's time";

/** What forwarders send: seconds since 1970 and picoseconds, each under its key. */
export const extendedTime = { tag: 1_000, secondsKey: 1, picosecondsKey: -12 } as const;
/** Real acceptors accept these, too. */
const otherTag = { text: 0, number: 1 } as const;

/** As Haskell's `%Y-%m-%dT%H:%M:%S%QZ`. */
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?Z$/;
/** A longer text is not a time. */
const maxTextBytes = 64;

/**
 * The position after the time at `at`, or `incomplete` if `end` comes first.
 * @throws ProtocolError for a form that real acceptors refuse
 */
export function timeEnd(bytes: Uint8Array, at: number, end: number): number {
  const form = readHead(bytes, at, end, major.tag, what);
  if (form === incomplete) return incomplete;
  const valueAt = after(bytes, at);
  if (valueAt >= end) return incomplete;
  if (form === extendedTime.tag) return extendedEnd(bytes, valueAt, end);
  if (form === otherTag.number) return numberEnd(bytes, valueAt, end);
  if (form === otherTag.text) return textEnd(bytes, valueAt, end);
  throw unexpected(what, "tag 0, 1 or 1000", bytes[at]!);
}

/** The time at `at`, which `timeEnd` has accepted, in nanoseconds since 1970, rounded down. */
export function timeAt(bytes: Uint8Array, at: number): bigint {
  return timeIn(bytes, at, nanoseconds);
}

/** The same with all the precision that the forwarder sent. */
export function momentAt(bytes: Uint8Array, at: number): Moment {
  const form = readHead(bytes, at, bytes.length, major.tag, what);
  if (form === otherTag.number) return numberMoment(bytes, after(bytes, at));
  if (form === extendedTime.tag) {
    const secondsAt = after(bytes, after(bytes, after(bytes, at)));
    const fraction = readHead(bytes, after(bytes, after(bytes, secondsAt)), bytes.length, major.uint, what);
    // The form that all forwarders send needs no bigints, which cost more than the rest of a log line.
    if (fraction < picosecondsPerSecond)
      return { seconds: smallInteger(bytes, secondsAt), picoseconds: fraction };
  }
  const all = timeIn(bytes, at, picoseconds);
  const fraction = ((all % picoseconds.perSecond) + picoseconds.perSecond) % picoseconds.perSecond;
  return {
    seconds: Number((all - fraction) / picoseconds.perSecond),
    picoseconds: Number(fraction),
  };
}

/** The precision of a time. */
interface Unit {
  readonly digits: number;
  readonly perSecond: bigint;
  readonly picoseconds: bigint;
}

const nanoseconds: Unit = { digits: 9, perSecond: 1_000_000_000n, picoseconds: 1_000n };
const picosecondsPerSecond = 10 ** 12;
const picoseconds: Unit = { digits: 12, perSecond: 1_000_000_000_000n, picoseconds: 1n };

function timeIn(bytes: Uint8Array, at: number, unit: Unit): bigint {
  const form = readHead(bytes, at, bytes.length, major.tag, what);
  const valueAt = after(bytes, at);
  if (form === otherTag.number) return numberTime(bytes, valueAt, unit);
  if (form === otherTag.text) return textTime(bytes, valueAt, unit)!;
  const secondsAt = after(bytes, after(bytes, valueAt));
  const fractionAt = after(bytes, after(bytes, secondsAt));
  return integer(bytes, secondsAt) * unit.perSecond + integer(bytes, fractionAt) / unit.picoseconds;
}

/** `{1: seconds, -12: picoseconds}`, definite, in this order; both have 64 bits, and the seconds a sign. */
function extendedEnd(bytes: Uint8Array, at: number, end: number): number {
  const secondsKeyAt = passHead(bytes, at, end, major.map, 2, what);
  const secondsAt = passHead(bytes, secondsKeyAt, end, major.uint, extendedTime.secondsKey, what);
  const picosecondsKeyAt = integerEnd(bytes, secondsAt, end);
  if (picosecondsKeyAt === incomplete) return incomplete;
  if (headBytes(bytes[secondsAt]!) === 9 && bytes[secondsAt + 1]! >= 0x80)
    throw unexpected(what, "seconds of 64 bits", bytes[secondsAt]!);
  const picosecondsAt = passHead(
    bytes,
    picosecondsKeyAt,
    end,
    major.negative,
    -1 - extendedTime.picosecondsKey,
    what,
  );
  if (picosecondsAt === incomplete) return incomplete;
  const argument = readHead(bytes, picosecondsAt, end, major.uint, what);
  return argument === incomplete ? incomplete : after(bytes, picosecondsAt);
}

function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first >> 5 !== major.simple) return integerEnd(bytes, at, end);
  if (first !== float.half && first !== float.single && first !== float.double) {
    throw unexpected(what, "a number", first);
  }
  const valueEnd = after(bytes, at);
  if (valueEnd > end) return incomplete;
  if (!Number.isFinite(floatAt(bytes, at))) throw unexpected(what, "a finite number", first);
  return valueEnd;
}

function textEnd(bytes: Uint8Array, at: number, end: number): number {
  const length = readHead(bytes, at, end, major.text, what);
  if (length === incomplete) return incomplete;
  if (length > maxTextBytes) throw new ProtocolError({ code: "too-long", what, limit: maxTextBytes });
  const valueEnd = after(bytes, at) + length;
  if (valueEnd > end) return incomplete;
  if (textTime(bytes, at, nanoseconds) === undefined)
    throw unexpected(what, "a text such as 2026-02-16T09:30:01.5Z", bytes[at]!);
  return valueEnd;
}

function integerEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at === incomplete || at >= end) return incomplete;
  const type = bytes[at]! >> 5 === major.negative ? major.negative : major.uint;
  return readHead(bytes, at, end, type, what) === incomplete ? incomplete : after(bytes, at);
}

function after(bytes: Uint8Array, at: number): number {
  return at + headBytes(bytes[at]!);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function integer(bytes: Uint8Array, at: number): bigint {
  const first = bytes[at]!;
  // `readHead` returns at most 53 bits.
  const argument =
    headBytes(first) === 9
      ? (BigInt(uint32(bytes, at + 1)) << 32n) | BigInt(uint32(bytes, at + 5))
      : BigInt(readHead(bytes, at, bytes.length, (first >> 5) as Major, what));
  return first >> 5 === major.negative ? -1n - argument : argument;
}

/** Like `integer`, but not exact beyond 2^53. */
function smallInteger(bytes: Uint8Array, at: number): number {
  const type = (bytes[at]! >> 5) as Major;
  const argument = readHead(bytes, at, bytes.length, type, what);
  return type === major.negative ? -1 - argument : argument;
}

function numberTime(bytes: Uint8Array, at: number, { perSecond }: Unit): bigint {
  if (bytes[at]! >> 5 !== major.simple) return integer(bytes, at) * perSecond;
  const seconds = floatAt(bytes, at);
  const whole = Math.floor(seconds);
  return BigInt(whole) * perSecond + BigInt(Math.floor((seconds - whole) * Number(perSecond)));
}

function numberMoment(bytes: Uint8Array, at: number): Moment {
  if (bytes[at]! >> 5 !== major.simple) return { seconds: smallInteger(bytes, at), picoseconds: 0 };
  const seconds = floatAt(bytes, at);
  const whole = Math.floor(seconds);
  return { seconds: whole, picoseconds: Math.floor((seconds - whole) * picosecondsPerSecond) };
}

/** First bytes of floating-point numbers. */
const float = { half: 0xf9, single: 0xfa, double: 0xfb } as const;

function floatAt(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case float.double:
      return view(bytes).getFloat64(at + 1);
    case float.single:
      return view(bytes).getFloat32(at + 1);
    default:
      return halfFloat(view(bytes).getUint16(at + 1));
  }
}

/** RFC 8949, appendix D. */
function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (mantissa + 1_024) * 2 ** (exponent - 25);
}

/** The time written as text at `at`; undefined if it is invalid. */
function textTime(bytes: Uint8Array, at: number, { digits, perSecond }: Unit): bigint | undefined {
  const length = readHead(bytes, at, bytes.length, major.text, what);
  const from = after(bytes, at);
  const parts = rfc3339.exec(Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString("latin1"));
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDate || hour > 23 || minute > 59 || second > 60) return undefined;
  const midnight = BigInt(date.getTime() / 1_000) * perSecond;
  const fraction = BigInt((parts[7] ?? "").slice(0, digits).padEnd(digits, "0"));
  const timeOfDay = BigInt(hour * 3_600 + minute * 60 + second) * perSecond + fraction;
  const wholeDay = 86_400n * perSecond;
  // 23:59:60.x is the first moment of the next day, as peers themselves send it.
  return midnight + (timeOfDay < wholeDay ? timeOfDay : wholeDay);
}

type Six = [number, number, number, number, number, number];
