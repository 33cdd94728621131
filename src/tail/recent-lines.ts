import { type LineFilter, passes } from "./line-filter.js";
import type { LineSearch } from "./line-search.js";
import { mergedLines } from "./merged-lines.js";
import {
  type NodeHistory,
  nodeLinesBackwards,
  nodeLinesSince,
  type ReadingOptions,
  slackNs,
} from "./node-lines.js";
import type { TracedLine } from "./traced-line.js";

/** Which of the existing lines are wanted. */
export interface Wanted extends LineFilter {
  readonly search?: LineSearch | undefined;
}

/** Those of the lines that match. */
export function matchingLines(lines: readonly TracedLine[], wanted: Wanted): TracedLine[] {
  const passed = lines.filter((line) => passes(line, wanted));
  return wanted.search === undefined ? passed : wanted.search.matching(passed);
}

/** The last `count` lines of all nodes together, the oldest first; files are read from their ends until there are as many. */
export async function lastLines(
  histories: readonly NodeHistory[],
  count: number,
  wanted: Wanted,
  options: ReadingOptions,
): Promise<TracedLine[]> {
  if (count === 0) return [];
  const found: TracedLine[] = [];
  const sources = histories.map((history) => nodeLinesBackwards(history, options));
  try {
    for await (const lines of mergedLines(sources, "backwards")) {
      found.push(...matchingLines(lines, wanted));
      if (found.length >= count || isLongBefore(lines.at(-1)!, wanted.since)) break;
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
  return found.slice(0, count).reverse();
}

/** All lines from a time on, the oldest first. */
export async function* linesSince(
  histories: readonly NodeHistory[],
  since: bigint,
  wanted: Wanted,
  options: ReadingOptions,
): AsyncGenerator<TracedLine[]> {
  const sources = histories.map((history) => nodeLinesSince(history, since, options));
  try {
    for await (const lines of mergedLines(sources, "forwards"))
      yield matchingLines(lines, { ...wanted, since });
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
}

/** Whether the remaining lines must all be older than `since`, however late they were written. */
function isLongBefore({ at }: TracedLine, since: bigint | undefined): boolean {
  return since !== undefined && at < since - slackNs;
}
