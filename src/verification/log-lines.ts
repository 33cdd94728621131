import { readLines } from "../log-files/line-file.js";
import { lineKey } from "./line-key.js";
import type { SentKeys } from "./sent-window.js";

/** Uses the lines of log files as what was sent: each line is one object. An empty first line comes from cardano-tracer. */
export function sentLines(files: readonly string[]): SentKeys {
  return {
    async *keysFrom(index) {
      let skip = index;
      for (const file of files) {
        for await (const { bytes, starts, ends, firstLine } of readLines(file)) {
          const blank = firstLine === 1 && starts[0] === ends[0] ? 1 : 0;
          const from = Math.min(blank + skip, ends.length);
          skip -= from - blank;
          const keys = new Float64Array(ends.length - from);
          for (let line = from; line < ends.length; line += 1)
            keys[line - from] = lineKey(bytes, starts[line]!, ends[line]!);
          if (keys.length > 0) yield keys;
        }
      }
    },
  };
}
