import type { StoredBytes } from "./stored-bytes.js";

const lineFeed = 0x0a;
const leastBlockBytes = 4 * 1024;
const mostBlockBytes = 1024 * 1024;

/** A longer line is yielded in pieces. */
const maxLineBytes = 16 * 1024 * 1024;

/**
 * The lines before `end`, from the last to the first, some at a time; empty ones are left out. The first reads are short, because
 * usually only the last lines are wanted.
 */
export async function* linesBackwards(stored: StoredBytes, end: number): AsyncGenerator<string[]> {
  /** What was read of a line whose beginning was not: pieces from the last to the first. */
  let rest: Buffer[] = [];
  let restBytes = 0;
  const finish = (begin: Buffer) => {
    const line = rest.length === 0 ? begin : Buffer.concat([begin, ...rest.reverse()]);
    rest = [];
    restBytes = 0;
    return line.toString("utf8");
  };
  let blockBytes = leastBlockBytes;
  for (let position = end; position > 0; blockBytes = Math.min(2 * blockBytes, mostBlockBytes)) {
    const length = Math.min(blockBytes, position);
    position -= length;
    const block = await stored.read(position, length);
    const lines: string[] = [];
    let lineEnd = block.length;
    while (lineEnd > 0) {
      const feed = block.lastIndexOf(lineFeed, lineEnd - 1);
      if (feed === -1) break;
      lines.push(finish(block.subarray(feed + 1, lineEnd)));
      lineEnd = feed;
    }
    rest.push(block.subarray(0, lineEnd));
    restBytes += lineEnd;
    if (position === 0 || restBytes >= maxLineBytes) lines.push(finish(Buffer.alloc(0)));
    yield lines.filter((line) => line !== "");
  }
}

/** The lines between two places, from the first to the last, some at a time; if `end` is inside a line, its beginning is yielded. */
export async function* linesForwards(
  stored: StoredBytes,
  begin: number,
  end: number,
): AsyncGenerator<string[]> {
  const cutter = new LineCutter();
  let blockBytes = leastBlockBytes;
  for (let position = begin; position < end; ) {
    const block = await stored.read(position, Math.min(blockBytes, end - position));
    if (block.length === 0) break;
    position += block.length;
    blockBytes = Math.min(2 * blockBytes, mostBlockBytes / 4);
    yield cutter.push(block);
  }
  yield cutter.end();
}

/** Splits bytes that arrive in pieces into lines; empty ones are left out. */
export class LineCutter {
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** The lines that these bytes complete. Unfinished bytes are copied, so the memory may be reused. */
  push(bytes: Buffer): string[] {
    const lines: string[] = [];
    let begin = 0;
    for (let feed = bytes.indexOf(lineFeed); feed !== -1; feed = bytes.indexOf(lineFeed, begin)) {
      lines.push(this.#finish(bytes.subarray(begin, feed)));
      begin = feed + 1;
    }
    if (begin < bytes.length) {
      this.#rest.push(Buffer.from(bytes.subarray(begin)));
      this.#restBytes += bytes.length - begin;
    }
    if (this.#restBytes >= maxLineBytes) lines.push(...this.end());
    return lines.filter((line) => line !== "");
  }

  /** The last line without a line feed, if there is one. */
  end(): string[] {
    return this.#restBytes === 0 ? [] : [this.#finish(Buffer.alloc(0))];
  }

  #finish(last: Buffer): string {
    const line = this.#rest.length === 0 ? last : Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    this.#restBytes = 0;
    return line.toString("utf8");
  }
}

/** The position after the last complete line: what follows it is still being written. */
export async function endOfLines(stored: StoredBytes): Promise<number> {
  let blockBytes = leastBlockBytes;
  for (let position = stored.size; position > 0; blockBytes = Math.min(2 * blockBytes, mostBlockBytes)) {
    const length = Math.min(blockBytes, position);
    position -= length;
    const feed = (await stored.read(position, length)).lastIndexOf(lineFeed);
    if (feed !== -1) return position + feed + 1;
  }
  return 0;
}
