import { ProtocolError } from "./faults.js";

/** The major types of RFC 8949, the upper three bits of an item's first byte. */
export const major = {
  uint: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

export type Major = (typeof major)[keyof typeof major];

/** Ends an indefinite array, map or string. */
export const breakByte = 0xff;
/** First bytes of items of indefinite length. */
export const indefinite = { bytes: 0x5f, text: 0x7f, array: 0x9f, map: 0xbf } as const;

/** Not all bytes of a head have arrived yet. */
export const incomplete = -1;

/** Bytes of a head by its first byte: 1 (also of an indefinite length), 2, 3, 5 or 9. */
export function headBytes(first: number): number {
  const info = first & 0x1f;
  return info < 24 || info === 31 ? 1 : 1 + (1 << (info & 3));
}

/**
 * Reads the argument of a head of the major type `wanted` at `at`; longer encodings than needed are accepted, as by real
 * peers. Returns `incomplete` if `end` comes first. Arguments beyond 2^53 lose their low bits; no length may be that
 * large anyway.
 * @throws ProtocolError for another major type, an indefinite length or a reserved form
 */
export function readHead(bytes: Uint8Array, at: number, end: number, wanted: Major, what: string): number {
  if (at >= end) return incomplete;
  const first = bytes[at]!;
  const info = first & 0x1f;
  if (first >> 5 !== wanted || info > 27) throw unexpected(what, names[wanted], first);
  if (info < 24) return info;
  if (at + headBytes(first) > end) return incomplete;
  if (info === 24) return bytes[at + 1]!;
  if (info === 25) return (bytes[at + 1]! << 8) | bytes[at + 2]!;
  const high = uint32(bytes, at + 1);
  return info === 26 ? high : high * 2 ** 32 + uint32(bytes, at + 5);
}

/** The argument inside a first byte of this type; undefined if it is not in that byte, or there is no such byte. */
export function smallArgument(first: number | undefined, type: Major): number | undefined {
  const argument = (first ?? -1) - (type << 5);
  return argument >= 0 && argument < 24 ? argument : undefined;
}

/**
 * The position after a head that must have this type and argument; `incomplete` if `end` comes first, or if
 * `at` is `incomplete` already.
 * @throws ProtocolError for any other head
 */
export function passHead(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: Major,
  argument: number,
  what: string,
): number {
  if (at === incomplete) return incomplete;
  const found = readHead(bytes, at, end, type, what);
  if (found === incomplete) return incomplete;
  if (found !== argument) throw unexpected(what, `${names[type]} (${argument})`, bytes[at]!);
  return at + headBytes(bytes[at]!);
}

/** The error for something else in the place of `expected`. */
export function unexpected(what: string, expected: string, firstByte: number): ProtocolError {
  const found = `0x${firstByte.toString(16).padStart(2, "0")}`;
  return new ProtocolError({ code: "malformed", what, expected, found });
}

const names: Record<Major, string> = {
  [major.uint]: "a number that is not negative",
  [major.negative]: "a negative number",
  [major.bytes]: "definite bytes",
  [major.text]: "definite text",
  [major.array]: "a definite array",
  [major.map]: "a definite map",
  [major.tag]: "a tag",
  [major.simple]: "a simple value",
};

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
