import { breakByte, headBytes, indefinite } from "./cbor-head.js";
import { absent, column } from "./object-fields.js";
import { isAscii, isSoundText } from "./sound-text.js";

/** The object does not have the usual form, or part of it is missing. */
export const unusual = -1;

/** Longer than any text, so that one comparison refuses both a text that is too long and anything that has no short text head. */
const noLength = 2 ** 30;
/** More than what is read between two checks of the end: heads, constructors and the time. */
const marginBytes = 64;

/** `[severity], [details]`, and the bits of both that vary. */
const gradesHead = 0x8100_8100;
const gradesBits = 0x0007_0003;
/** `1000({1: ` and the head of 32 bits of the seconds, as they are until 2106. */
const timeHead = { start: 0xd903_e8a2, rest: 0x011a, bytes: 6 };
/** The key −12. */
const picosecondsKey = 0x2b;
/** Head of 64 bits, the longest of a number. */
const longestNumber = 0x1b;
/** The head of an array of one. */
const arrayOfOne = 0x81;
/** Heads of texts: with the length in this byte, in one, or in two bytes behind it. */
const emptyText = 0x60;
const textOfByte = 0x78;
const textOfTwoBytes = 0x79;

/**
 * Fills the row at `row` for the object at `from`, if it has exactly the form that almost all objects have; returns the
 * position after it, or `unusual`: then `ObjectScanner` finds out what it is. It accepts nothing that the scanner would
 * not accept, and takes a fraction of the time. `view` is of the same bytes: reading four of them at once costs as much as one.
 */
export function passUsualObject(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  end: number,
  fields: Int32Array,
  row: number,
): number {
  const last = end - marginBytes;
  if (from > last || bytes[from] !== 0x89 || bytes[from + 1] !== 0x00) return unusual;

  let at = from + 3;
  if (bytes[from + 2] === 0x80) {
    fields[row + column.humanStart] = absent;
  } else {
    if (bytes[from + 2] !== arrayOfOne) return unusual;
    const start = at + textHeadBytes(bytes[at]!);
    at = start + textLength(bytes, at);
    if (at > last || !isSound(bytes, view, start, at)) return unusual;
    fields[row + column.humanStart] = start;
    fields[row + column.humanEnd] = at;
  }

  const machineStart = at + textHeadBytes(bytes[at]!);
  at = machineStart + textLength(bytes, at);
  if (at > last) return unusual;
  fields[row + column.machineStart] = machineStart;
  fields[row + column.machineEnd] = at;

  fields[row + column.namespaceStart] = at;
  if (bytes[at] !== indefinite.array) return unusual;
  at += 1;
  while (bytes[at] !== breakByte) {
    const start = at + textHeadBytes(bytes[at]!);
    at = start + textLength(bytes, at);
    if (at > last || !isSound(bytes, view, start, at)) return unusual;
  }
  at += 1;

  const grades = view.getUint32(at);
  if ((grades & ~gradesBits) >>> 0 !== gradesHead) return unusual;
  fields[row + column.severity] = bytes[at + 1]!;
  fields[row + column.details] = bytes[at + 3]!;
  at += 4;

  fields[row + column.timeStart] = at;
  if (view.getUint32(at) !== timeHead.start || view.getUint16(at + 4) !== timeHead.rest) return unusual;
  at += timeHead.bytes + 4;
  const picoseconds = bytes[at + 1]!;
  if (bytes[at] !== picosecondsKey || picoseconds > longestNumber) return unusual;
  at += 1 + headBytes(picoseconds);

  const hostStart = at + textHeadBytes(bytes[at]!);
  at = hostStart + textLength(bytes, at);
  if (at > last || !isSound(bytes, view, hostStart, at)) return unusual;
  fields[row + column.hostStart] = hostStart;
  fields[row + column.hostEnd] = at;

  const threadStart = at + textHeadBytes(bytes[at]!);
  at = threadStart + textLength(bytes, at);
  if (at > end || !isSound(bytes, view, threadStart, at)) return unusual;
  fields[row + column.threadStart] = threadStart;
  fields[row + column.threadEnd] = at;
  fields[row + column.objectStart] = from;
  fields[row + column.objectEnd] = at;
  return at;
}

/** Bytes of a text's head by its first byte. */
function textHeadBytes(first: number): number {
  return first < textOfByte ? 1 : 2 + first - textOfByte;
}

/** The length given by the head of a text at `at`; `noLength` if the head has more than three bytes or is not a text's. */
function textLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < textOfByte) return first < emptyText ? noLength : first - emptyText;
  if (first === textOfByte) return bytes[at + 1]!;
  return first === textOfTwoBytes ? (bytes[at + 1]! << 8) | bytes[at + 2]! : noLength;
}

function isSound(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  return isAscii(view, start, end) || isSoundText(bytes, start, end);
}
