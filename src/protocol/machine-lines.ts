import { isUtf8 } from "node:buffer";
import { column, columns } from "./object-fields.js";

const lineFeed = 0x0a;
const space = 0x20;
/** Stands between texts until they are checked: no line feed, so that those inside texts are found by one search. */
const gap = 0x00;

/** The machine texts of a batch, gathered as lines while they come. */
export class MachineLines {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  /**
   * Appends the machine texts of the objects in the rows `from` … `to` of `fields`, which lie in `source`. Each ends
   * with a line feed, and each line feed inside becomes a space. Stops before a text that is not UTF-8; returns the row
   * after the last line.
   */
  append(source: Buffer, fields: Int32Array, from: number, to: number): number {
    // Texts and line feeds together are shorter than the objects that the texts come from.
    this.#reserve(source.length);
    const texts = this.#bytes.subarray(this.#length);
    let end = 0;
    for (let row = from * columns; row < to * columns; row += columns) {
      const start = fields[row + column.machineStart]!;
      const textEnd = fields[row + column.machineEnd]!;
      source.copy(texts, end, start, textEnd);
      end += textEnd - start;
      texts[end] = gap;
      end += 1;
    }
    // One check of all is much cheaper than one of each; gaps keep two broken texts from making a sound one.
    if (!isUtf8(texts.subarray(0, end)))
      return this.append(source, fields, from, firstBroken(source, fields, from));

    for (let at = texts.indexOf(lineFeed); at !== -1 && at < end; at = texts.indexOf(lineFeed, at + 1)) {
      texts[at] = space;
    }
    let lineEnd = 0;
    for (let row = from * columns; row < to * columns; row += columns) {
      lineEnd += fields[row + column.machineEnd]! - fields[row + column.machineStart]!;
      texts[lineEnd] = lineFeed;
      lineEnd += 1;
    }
    this.#length += end;
    return to;
  }

  /** The lines. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(bytes);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** The first row from `from` on whose machine text is not UTF-8; there is one. */
function firstBroken(source: Buffer, fields: Int32Array, from: number): number {
  let row = from;
  const isSound = () => {
    const start = fields[row * columns + column.machineStart]!;
    const end = fields[row * columns + column.machineEnd]!;
    return isUtf8(source.subarray(start, end));
  };
  while (isSound()) row += 1;
  return row;
}
