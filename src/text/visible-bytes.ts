const lineFeed = 0x0a;
const tab = 0x09;
const space = 0x20;
const backslash = 0x5c;
const letterU = 0x75;
const letterX = 0x78;
const hexDigits = Buffer.from("0123456789abcdef");

/** A replacement is longer than what it replaces by at most this many bytes. */
const mostGrowth = 3;

/** What a byte is: most are ordinary, some are controls, some may begin one of two or three bytes. */
const ordinary = 0;
const control = 1;
const first = 2;

const lineFeeds = new Uint8Array(256);
lineFeeds[lineFeed] = control;

const controls = new Uint8Array(256).fill(control, 0, 0x20);
controls[tab] = ordinary;
controls[0x7f] = control;
// Of U+0080 … U+00BF, of the Arabic letter mark's block, and of U+2000 … U+2FFF.
for (const byte of [0xc2, 0xd8, 0xe2]) controls[byte] = first;

/**
 * Writes texts as `visibleText` shows them, without decoding them. Only the first controls and line feeds of all texts
 * together are replaced as said; of the rest each byte becomes a space. A peer may send sixteen million controls, four
 * times as much when escaped.
 */
export class VisibleBytes {
  readonly #kinds: Uint8Array;
  #left: number;

  /** `escapes`: whether controls other than line feeds are escaped; `most`: how many are replaced. */
  constructor(options: { readonly escapes: boolean; readonly most: number }) {
    this.#kinds = options.escapes ? controls : lineFeeds;
    this.#left = options.most;
  }

  /** Most bytes that a text of this length may become. */
  mostBytes(length: number): number {
    return length + mostGrowth * Math.min(length, this.#left);
  }

  /**
   * Writes UTF-8 into `written` from `from` on, which must have room for `mostBytes`; `lineFeedAs`, at most four bytes,
   * replaces each line feed. Returns the position after it.
   */
  write(text: Uint8Array, lineFeedAs: Uint8Array, written: Buffer, from: number): number {
    const start = this.#kinds === lineFeeds ? text.indexOf(lineFeed) : firstUnusual(text);
    if (start === -1) {
      written.set(text, from);
      return from + text.length;
    }
    written.set(text.subarray(0, start), from);
    return this.#writeRest(text, start, lineFeedAs, written, from + start);
  }

  #writeRest(text: Uint8Array, start: number, lineFeedAs: Uint8Array, written: Buffer, from: number): number {
    const kinds = this.#kinds;
    let left = this.#left;
    let to = from;
    for (let at = start; at < text.length; ) {
      const byte = text[at]!;
      const kind = kinds[byte];
      const bytes = kind === first ? bytesOfControl(text, at, byte) : kind!;
      if (bytes === 0) {
        written[to++] = byte;
        at += 1;
        continue;
      }
      if (left === 0) {
        written[to++] = space;
        if (bytes > 1) written[to++] = space;
        if (bytes > 2) written[to++] = space;
      } else {
        left -= 1;
        to =
          byte === lineFeed
            ? writeAll(lineFeedAs, written, to)
            : writeEscape(codeOf(text, at, bytes), written, to);
      }
      at += bytes;
    }
    this.#left = left;
    return to;
  }
}

/** Where the first byte is that is, or may begin, a control; -1 if there is none. */
function firstUnusual(text: Uint8Array): number {
  for (let at = 0; at < text.length; at += 1) if (controls[text[at]!] !== ordinary) return at;
  return -1;
}

function writeAll(bytes: Uint8Array, written: Buffer, at: number): number {
  written.set(bytes, at);
  return at + bytes.length;
}

/** `\x1b`, `\u202e` */
function writeEscape(code: number, written: Buffer, from: number): number {
  const isLong = code > 0xff;
  let at = from;
  written[at++] = backslash;
  written[at++] = isLong ? letterU : letterX;
  for (let shift = isLong ? 12 : 4; shift >= 0; shift -= 4) written[at++] = hexDigits[(code >> shift) & 0xf]!;
  return at;
}

/** How many bytes the control at `at` has, of which this is the first; 0 if there is another character. */
function bytesOfControl(text: Uint8Array, at: number, first: number): number {
  const second = text[at + 1]!;
  if (first === 0xc2) return second < 0xa0 ? 2 : 0;
  if (first === 0xd8) return second === 0x9c ? 2 : 0;
  const third = text[at + 2]!;
  if (second === 0x80) return third === 0x8e || third === 0x8f || (third >= 0xa8 && third <= 0xae) ? 3 : 0;
  return second === 0x81 && third >= 0xa6 && third <= 0xa9 ? 3 : 0;
}

function codeOf(text: Uint8Array, at: number, length: number): number {
  if (length === 1) return text[at]!;
  const lead = length === 2 ? text[at]! & 0x1f : ((text[at]! & 0x0f) << 6) | (text[at + 1]! & 0x3f);
  return (lead << 6) | (text[at + length - 1]! & 0x3f);
}
