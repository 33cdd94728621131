import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Two halves of 8 MiB. V8's own limit is at least twice that, and it never gives memory back while nodes are busy. */
const usualBytes = 16 * 1_024 * 1_024;

/**
 * Limits V8's memory for young objects to `mostBytes` for both halves, like `--max-semi-space-size=8` on the command line.
 * V8 reads that option before the program starts, but reads the growth factor each time. If the operator gave such an
 * option, that applies instead.
 */
export function boundYoungObjects(mostBytes: number = usualBytes): void {
  if (givenOptions().some((option) => /semi[-_]space/.test(option))) return;
  const observer = new PerformanceObserver(() => {
    if (youngBytes() < mostBytes) return;
    observer.disconnect();
    setFlagsFromString("--semi-space-growth-factor=1");
  });
  observer.observe({ entryTypes: ["gc"] });
}

function givenOptions(): readonly string[] {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ""];
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}
