/** Texts that are remembered; a power of two. A node at work has some 300 metrics, and all nodes the same. */
const places = 4_096;
/** A longer text is as fast to make again. */
const longest = 128;
/** The upper bit of each byte, which no ASCII character has. */
const notAscii = 0x80_80_80_80;

interface KnownText {
  readonly text: string;
  /** Its bytes, four at a time; the last four may overlap those before. */
  readonly words: Int32Array;
}

/**
 * Short ASCII texts that come again and again, such as the names of metrics. Each exists as one string, whichever node
 * sent it. Finding it is faster than decoding it again, and its hash is known. Two texts may compete for one place: then
 * they are decoded again more often.
 */
export class KnownTexts {
  readonly #known = new Array<KnownText | undefined>(places).fill(undefined);
  /** Those of fewer than four bytes, such as the numbers of threads, by these bytes. */
  readonly #short = new Map<number, string>();

  /** The text in these bytes; undefined if there are too many of them, or they are not ASCII. */
  find(bytes: DataView, from: number, to: number): string | undefined {
    const length = to - from;
    if (length > longest) return undefined;
    if (length < 4) return this.#findShort(bytes, from, to);
    const lastAt = to - 4;
    let hash = length;
    let all = 0;
    for (let at = from; at < lastAt; at += 4) {
      const word = bytes.getInt32(at, true);
      all |= word;
      hash = Math.imul(hash ^ word, 0x9e_37_79_b1);
    }
    const last = bytes.getInt32(lastAt, true);
    if (((all | last) & notAscii) !== 0) return undefined;
    hash = Math.imul(hash ^ last, 0x9e_37_79_b1);
    const place = (hash ^ (hash >>> 16)) & (places - 1);
    const known = this.#known[place];
    if (known !== undefined && isSame(known, bytes, from, to)) return known.text;
    const made = makeKnown(bytes, from, to);
    this.#known[place] = made;
    return made.text;
  }

  #findShort(bytes: DataView, from: number, to: number): string | undefined {
    // A bit above them tells how many there are.
    let key = 1;
    for (let at = from; at < to; at += 1) {
      const byte = bytes.getUint8(at);
      if (byte > 0x7f) return undefined;
      key = (key << 8) | byte;
    }
    const known = this.#short.get(key);
    if (known !== undefined) return known;
    if (this.#short.size >= places) this.#short.clear();
    const text = textIn(bytes, from, to);
    this.#short.set(key, text);
    return text;
  }
}

function isSame({ text, words }: KnownText, bytes: DataView, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  const last = words.length - 1;
  for (let at = 0; at < last; at += 1) if (words[at] !== bytes.getInt32(from + 4 * at, true)) return false;
  return words[last] === bytes.getInt32(to - 4, true);
}

function makeKnown(bytes: DataView, from: number, to: number): KnownText {
  const words = new Int32Array(Math.ceil((to - from) / 4));
  for (let at = 0; at < words.length; at += 1) {
    words[at] = bytes.getInt32(Math.min(from + 4 * at, to - 4), true);
  }
  return { text: textIn(bytes, from, to), words };
}

function textIn(bytes: DataView, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
