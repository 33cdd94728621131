import { readLogBytes } from "./log-file-bytes.js";

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
  /** Whether the last of them has no line feed: it is still being written, or torn. */
  readonly isUnended: boolean;
  /** Bytes of the file read so far, as it is stored. */
  readonly bytesRead: number;
}

/**
 * Reads a file's lines, plain or compressed (`.gz`, `.zst`), including a last one without a line feed. Memory is bounded by
 * the longest line.
 * @throws DamagedFileError after the lines before the damage, and what the file system throws
 */
export async function* readLines(file: string): AsyncGenerator<LineBatch> {
  let buffer: Buffer = Buffer.allocUnsafe(2 * chunkBytes);
  let filled = 0;
  let firstLine = 1;
  let bytesRead = 0;

  function* batchOf({ starts, ends, isUnended }: Omit<Cut, "rest">): Generator<LineBatch> {
    if (ends.length === 0) return;
    yield { file, firstLine, bytes: buffer, starts, ends, isUnended, bytesRead };
    firstLine += ends.length;
  }

  for await (const piece of readLogBytes(file)) {
    bytesRead = piece.bytesRead;
    for (let taken = 0; taken < piece.bytes.length; ) {
      if (filled === buffer.length) buffer = grown(buffer);
      const some = piece.bytes.subarray(taken, taken + buffer.length - filled);
      buffer.set(some, filled);
      const scanned = filled;
      filled += some.length;
      taken += some.length;
      const cut = cutLines(buffer, scanned, filled, filled === maxLineBytes);
      yield* batchOf(cut);
      buffer.copyWithin(0, cut.rest, filled);
      filled -= cut.rest;
    }
  }
  yield* batchOf(cutLines(buffer, filled, filled, true));
}

function grown(buffer: Buffer): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(buffer.length * 2, maxLineBytes));
  buffer.copy(larger);
  return larger;
}

interface Cut {
  readonly starts: number[];
  readonly ends: number[];
  readonly isUnended: boolean;
  /** Where an unfinished line begins. */
  readonly rest: number;
}

/** Finds the lines in the first `filled` bytes, of which the first `scanned` hold no line feed; an unfinished one is included if asked for. */
function cutLines(buffer: Buffer, scanned: number, filled: number, takeRest: boolean): Cut {
  const starts: number[] = [];
  const ends: number[] = [];
  const bytes = buffer.subarray(0, filled);
  let start = 0;
  for (let end = bytes.indexOf(lineFeed, scanned); end !== -1; end = bytes.indexOf(lineFeed, start)) {
    starts.push(start);
    ends.push(end);
    start = end + 1;
  }
  const isUnended = takeRest && start < filled;
  if (isUnended) {
    starts.push(start);
    ends.push(filled);
    start = filled;
  }
  return { starts, ends, isUnended, rest: start };
}
