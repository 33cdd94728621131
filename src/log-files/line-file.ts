import { open } from "node:fs/promises";

/** Longer lines are read in pieces of this size; no piece of JSON parses, so they count as torn. */
const maxLineBytes = 64 * 1024 * 1024;
const chunkBytes = 1024 * 1024;
const lineFeed = 0x0a;

/** Some successive lines of a file. The bytes are valid until the next batch is asked for. */
export interface LineBatch {
  readonly file: string;
  /** Number of the batch's first line, from 1. */
  readonly firstLine: number;
  readonly bytes: Buffer;
  /** Line `i` is `bytes[starts[i] … ends[i])`, without its line feed. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Bytes of the file read so far. */
  readonly bytesRead: number;
}

/**
 * Reads a file's lines, the last one also where no line feed ends it. Memory is bounded by the longest line.
 * @throws what the file system throws
 */
export async function* readLines(file: string): AsyncGenerator<LineBatch> {
  const handle = await open(file, "r");
  try {
    let buffer: Buffer = Buffer.allocUnsafe(chunkBytes);
    let kept = 0;
    let firstLine = 1;
    let bytesRead = 0;
    for (;;) {
      if (kept === buffer.length) buffer = grown(buffer);
      const read = await handle.read(buffer, kept, buffer.length - kept, null);
      bytesRead += read.bytesRead;
      const filled = kept + read.bytesRead;
      const atEnd = read.bytesRead === 0;
      const batch = cut(buffer, filled, atEnd || filled === maxLineBytes);
      if (batch.ends.length > 0) {
        yield { file, firstLine, bytes: buffer, starts: batch.starts, ends: batch.ends, bytesRead };
        firstLine += batch.ends.length;
      }
      if (atEnd) return;
      buffer.copyWithin(0, batch.rest, filled);
      kept = filled - batch.rest;
    }
  } finally {
    await handle.close();
  }
}

function grown(buffer: Buffer): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(buffer.length * 2, maxLineBytes));
  buffer.copy(larger);
  return larger;
}

/** Finds the lines in the first `filled` bytes; `rest` is where an unfinished one begins, unless it is taken too. */
function cut(
  buffer: Buffer,
  filled: number,
  takeRest: boolean,
): { starts: number[]; ends: number[]; rest: number } {
  const starts: number[] = [];
  const ends: number[] = [];
  const bytes = buffer.subarray(0, filled);
  let start = 0;
  for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
    starts.push(start);
    ends.push(end);
    start = end + 1;
  }
  if (takeRest && start < filled) {
    starts.push(start);
    ends.push(filled);
    start = filled;
  }
  return { starts, ends, rest: start };
}
