import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

const mebibyte = 1_024 * 1_024;

/** Both halves under load. V8's own limit is at least twice that, and it never gives memory back while nodes are busy. */
const busyBytes = 16 * mebibyte;
/** Both halves before that: a thousand idle nodes need more only while they connect. */
const idleBytes = 8 * mebibyte;
/** So many collections of young objects in so many milliseconds are load. */
const load = { collections: 100, withinMs: 5_000 };

/**
 * Limits V8's memory for young objects to `mostBytes` for both halves, like `--max-semi-space-size=8` on the command line, and
 * to less until there is load. V8 reads that option before the program starts, but reads the growth factor each time. If the
 * operator gave such an option, that applies instead.
 */
export function boundYoungObjects(mostBytes: number = busyBytes): void {
  if (givenOptions().some((option) => /semi[-_]space/.test(option))) return;
  let limit = Math.min(mostBytes, idleBytes);
  let collections = 0;
  let countedSince = performance.now();
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
    if (limit < mostBytes && collections >= load.collections) {
      const now = performance.now();
      if (now - countedSince < load.withinMs) {
        limit = mostBytes;
        setGrowth(2);
      }
      collections = 0;
      countedSince = now;
    }
    if (youngBytes() < limit) return;
    setGrowth(1);
    if (limit === mostBytes) observer.disconnect();
  });
  observer.observe({ entryTypes: ["gc"] });
}

function setGrowth(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

function givenOptions(): readonly string[] {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ""];
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}
