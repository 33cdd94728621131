const lineFeed = 0x0a;
const tab = 0x09;
const space = 0x20;
const backslash = 0x5c;
const letterU = 0x75;
const letterX = 0x78;
const hexDigits = Buffer.from("0123456789abcdef");

/** Of one text; a peer may send sixteen million controls, four times as much when escaped. */
const mostReplaced = 65_536;
/** A replacement is longer than what it replaces by at most this many bytes. */
const mostGrowth = 4;

export interface VisibleBytesOptions {
  /** What replaces a line feed, at most four bytes. */
  readonly lineFeed: Uint8Array;
  /** Whether other controls are escaped. */
  readonly escapes: boolean;
}

/**
 * What `visibleText` makes of UTF-8, without decoding it. The first 65,536 controls and line feeds are replaced as said; of
 * the rest each byte becomes a space.
 */
export function visibleBytes(text: Uint8Array, options: VisibleBytesOptions): Uint8Array {
  const { escapes } = options;
  let left = Math.min(text.length, mostReplaced);
  const written = Buffer.allocUnsafe(text.length + left * mostGrowth);
  let end = 0;
  let at = 0;
  while (at < text.length && left > 0) {
    const byte = text[at]!;
    const isLineFeed = byte === lineFeed;
    const length = isLineFeed ? 1 : escapes ? bytesOfControl(text, at, byte) : 0;
    if (length === 0) {
      written[end++] = byte;
      at += 1;
      continue;
    }
    if (isLineFeed) end += writeAll(options.lineFeed, written, end);
    else end += writeEscape(codeOf(text, at, length), written, end);
    left -= 1;
    at += length;
  }
  written.set(text.subarray(at), end);
  const whole = written.subarray(0, end + text.length - at);
  blank(whole, end, escapes);
  return whole;
}

/** Makes spaces of the bytes of line feeds and controls from `from` on. */
function blank(bytes: Buffer, from: number, escapes: boolean): void {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte >= 0x20 && byte < 0x7f) continue;
    if (byte === lineFeed) {
      bytes[at] = space;
      continue;
    }
    const length = escapes ? bytesOfControl(bytes, at, byte) : 0;
    for (let n = 0; n < length; n += 1) bytes[at + n] = space;
    if (length > 1) at += length - 1;
  }
}

function writeAll(bytes: Uint8Array, written: Buffer, at: number): number {
  written.set(bytes, at);
  return bytes.length;
}

/** `\x1b`, `\u202e` */
function writeEscape(code: number, written: Buffer, from: number): number {
  const isLong = code > 0xff;
  let at = from;
  written[at++] = backslash;
  written[at++] = isLong ? letterU : letterX;
  for (let shift = isLong ? 12 : 4; shift >= 0; shift -= 4) written[at++] = hexDigits[(code >> shift) & 0xf]!;
  return at - from;
}

/** How many bytes the control at `at` has; 0 if there is another character. They are those of `visibleText`. */
function bytesOfControl(text: Uint8Array, at: number, first: number): number {
  if (first < 0x20) return first === tab ? 0 : 1;
  if (first < 0x7f) return 0;
  if (first === 0x7f) return 1;
  const second = text[at + 1]!;
  if (first === 0xc2) return second < 0xa0 ? 2 : 0;
  if (first === 0xd8) return second === 0x9c ? 2 : 0;
  if (first !== 0xe2) return 0;
  const third = text[at + 2]!;
  if (second === 0x80) return third === 0x8e || third === 0x8f || (third >= 0xa8 && third <= 0xae) ? 3 : 0;
  return second === 0x81 && third >= 0xa6 && third <= 0xa9 ? 3 : 0;
}

function codeOf(text: Uint8Array, at: number, length: number): number {
  if (length === 1) return text[at]!;
  const lead = length === 2 ? text[at]! & 0x1f : ((text[at]! & 0x0f) << 6) | (text[at + 1]! & 0x3f);
  return (lead << 6) | (text[at + length - 1]! & 0x3f);
}
