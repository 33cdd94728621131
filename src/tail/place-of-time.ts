import type { StoredBytes } from "./stored-bytes.js";

const lineFeed = 0x0a;
const probeBytes = 8 * 1024;
const mostProbeBytes = 1024 * 1024;
/** A range shorter than this is not divided further. */
const nearBytes = 64 * 1024;

/**
 * The place from which a file must be read to find all lines from `since` on, by binary search: of a file of any size only some
 * dozens of kilobytes are read. Lines may be out of order within 64 KiB; the caller skips those that are earlier.
 *
 * @param timeOf the time of a line; undefined if it has none
 * @returns the beginning of a line
 */
export async function placeOfTime(
  stored: StoredBytes,
  since: bigint,
  timeOf: (line: string) => bigint | undefined,
): Promise<number> {
  let low = 0;
  let high = stored.size;
  while (high - low > nearBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await firstTimeAfter(stored, middle, high, timeOf);
    if (found === undefined || found.time >= since) high = middle;
    else low = found.begin;
  }
  return beginOfLineNear(stored, Math.max(0, low - nearBytes));
}

/** The first line with a time that begins after `from`, and before `to`. */
async function firstTimeAfter(
  stored: StoredBytes,
  from: number,
  to: number,
  timeOf: (line: string) => bigint | undefined,
): Promise<{ readonly begin: number; readonly time: bigint } | undefined> {
  for (let length = probeBytes; ; length *= 4) {
    const block = await stored.read(from, Math.min(length, mostProbeBytes, stored.size - from));
    let begin = block.indexOf(lineFeed) + 1;
    for (let end = block.indexOf(lineFeed, begin); begin > 0 && end !== -1; ) {
      if (from + begin >= to) return undefined;
      const time = timeOf(block.toString("utf8", begin, end));
      if (time !== undefined) return { begin: from + begin, time };
      begin = end + 1;
      end = block.indexOf(lineFeed, begin);
    }
    if (from + block.length >= to || length >= mostProbeBytes) return undefined;
  }
}

async function beginOfLineNear(stored: StoredBytes, place: number): Promise<number> {
  if (place === 0) return 0;
  // The byte before may end a line.
  const block = await stored.read(place - 1, nearBytes);
  const feed = block.indexOf(lineFeed);
  return feed === -1 ? place : place + feed;
}
