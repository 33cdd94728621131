import { readLines } from "../log-files/line-file.js";
import { DamagedFileError } from "../log-files/log-file-bytes.js";
import { isMissing, type LogFile, type NodeDirectory } from "./log-tree.js";
import { placeOfTime } from "./place-of-time.js";
import type { OpenStoredBytes, StoredBytes } from "./stored-bytes.js";
import { linesBackwards, linesForwards } from "./stored-lines.js";
import { consoleLine, isContinuation, type LinePlace, machineLine, type TracedLine } from "./traced-line.js";

/** How far a node's clock may be ahead of the tracer's, and how late its lines may come. */
const slackSeconds = 60;
export const slackNs = BigInt(slackSeconds) * 1_000_000_000n;

/** When reading backwards, continuation lines wait for the line that they continue: this many at most. */
const mostContinued = 1_000;

/** A node's files, and where the last one ended when they were listed. */
export interface NodeHistory {
  readonly directory: NodeDirectory;
  /** In the order written. */
  readonly files: readonly LogFile[];
  /** Where reading of the last file stops; absent: at its end. */
  readonly endOfLast?: number;
}

export interface ReadingOptions {
  readonly open: OpenStoredBytes;
  /** Called for files that are damaged. */
  readonly remark: (sentence: string) => void;
}

/** A node's lines from the newest to the oldest; no file is opened before its lines are asked for. */
export async function* nodeLinesBackwards(
  { directory, files, endOfLast }: NodeHistory,
  { open }: ReadingOptions,
): AsyncGenerator<TracedLine[]> {
  for (const [index, file] of [...files.entries()].reverse()) {
    const stored = await opened(file, open);
    if (stored === undefined) continue;
    try {
      const end = index === files.length - 1 ? (endOfLast ?? stored.size) : stored.size;
      const read = backwardsReader(directory, file);
      for await (const lines of linesBackwards(stored, end)) yield read(lines);
      yield read.end();
    } finally {
      await stored.close();
    }
  }
}

/**
 * A node's lines in the order written, from the first that may be of `since` or later. Earlier files, and earlier parts of a file,
 * are skipped by their names and times without being read.
 */
export async function* nodeLinesSince(
  { directory, files, endOfLast }: NodeHistory,
  since: bigint,
  { open, remark }: ReadingOptions,
): AsyncGenerator<TracedLine[]> {
  const first = firstFileSince(files, since);
  for (const [index, file] of files.slice(first).entries()) {
    const read = forwardsReader(directory, file);
    if (file.isCompressed) {
      yield* compressedLines(file, read, remark);
      continue;
    }
    const stored = await opened(file, open);
    if (stored === undefined) continue;
    try {
      const end = first + index === files.length - 1 ? (endOfLast ?? stored.size) : stored.size;
      const time = (line: string) => timeIn(line, directory, file);
      const begin = index === 0 ? await placeOfTime(stored, since, time) : 0;
      for await (const lines of linesForwards(stored, begin, end)) yield read(lines);
    } finally {
      await stored.close();
    }
  }
}

/** Index of the last file that began well before that time: it and those after it contain everything since then. */
function firstFileSince(files: readonly LogFile[], since: bigint): number {
  const second = Number(since / 1_000_000_000n) - slackSeconds;
  return Math.max(
    0,
    files.findLastIndex((file) => file.second <= second),
  );
}

/** The lines of a compressed file, as far as it is whole. */
export async function* compressedLines(
  file: LogFile,
  read: (lines: readonly string[]) => TracedLine[],
  remark: (sentence: string) => void,
): AsyncGenerator<TracedLine[]> {
  try {
    for await (const { bytes, starts, ends } of readLines(file.path)) {
      const lines = starts.map((start, index) => bytes.toString("utf8", start, ends[index]));
      yield read(lines.filter((line) => line !== ""));
    }
  } catch (error) {
    if (error instanceof DamagedFileError) remark(error.message);
    else if (!isMissing(error)) throw error;
  }
}

/** Returns a function that interprets the lines of a file in the order written; a continuation line gets the facts of its first line. */
export function forwardsReader(
  { node, form }: NodeDirectory,
  file: LogFile,
): (lines: readonly string[]) => TracedLine[] {
  const place = placeOf(node, file);
  if (form === "machine") return (lines) => lines.map((text) => machineLine(text, place));
  let before: TracedLine | undefined;
  return (lines) =>
    lines.map((text) => {
      before = consoleLine(text, place, before);
      return before;
    });
}

/** The same for lines from the last to the first. `end` returns the continuation lines whose first line did not come. */
function backwardsReader(
  { node, form }: NodeDirectory,
  file: LogFile,
): ((lines: readonly string[]) => TracedLine[]) & { end(): TracedLine[] } {
  const place = placeOf(node, file);
  let waiting: string[] = [];
  const release = (head: TracedLine | undefined) => {
    const lines = waiting.map((text) => consoleLine(text, place, head));
    waiting = [];
    return lines;
  };
  const read = (lines: readonly string[]) => {
    if (form === "machine") return lines.map((text) => machineLine(text, place));
    return lines.flatMap((text) => {
      if (isContinuation(text)) {
        waiting.push(text);
        return waiting.length < mostContinued ? [] : release(undefined);
      }
      const head = consoleLine(text, place, undefined);
      return [...release(head), head];
    });
  };
  return Object.assign(read, { end: () => release(undefined) });
}

function placeOf(node: string, file: LogFile): LinePlace {
  return { node, fallbackAt: BigInt(file.second) * 1_000_000_000n };
}

function timeIn(line: string, { node, form }: NodeDirectory, file: LogFile): bigint | undefined {
  // Marks a line without a time; no real time has this value.
  const place = { ...placeOf(node, file), fallbackAt: -1n };
  const { at } = form === "machine" ? machineLine(line, place) : consoleLine(line, place, undefined);
  return at === -1n ? undefined : at;
}

/** Undefined if the file is gone, perhaps removed by retention. */
async function opened(file: LogFile, open: OpenStoredBytes): Promise<StoredBytes | undefined> {
  try {
    return await open(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
