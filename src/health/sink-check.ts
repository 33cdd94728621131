import type { Check, Finding } from "./check.js";
import type { WritesUnderWay } from "./writes-under-way.js";

/** A sink as health sees it. */
export interface WatchedSink {
  readonly name: string;
  /** Every batch must reach it; a sink that may miss batches is never worse than degraded. */
  readonly required: boolean;
  health(): { readonly state: "ok" | "failing"; readonly reason?: string };
}

/** A write that fails for so long is no hiccup any more. */
const failingAfterMs = 1_000;
/** A write that neither succeeds nor fails for so long hangs: a dead disk gives no error. */
const stuckAfterMs = 2_000;

/** Looks at one sink: whether its writes succeed, and whether they end at all. */
export function sinkCheck(sink: WatchedSink, writes: WritesUnderWay): Check {
  let failingSince: number | undefined;
  let lastFailureAt: number | undefined;
  return {
    name: `sink:${sink.name}`,
    pages: sink.required ? "ready" : "none",
    find: () => {
      const { state, reason } = sink.health();
      if (state === "ok") {
        failingSince = undefined;
      } else {
        // Our own watch: the time of day, which faults are stamped with, may jump.
        failingSince ??= performance.now();
        lastFailureAt = Date.now();
      }
      const trouble =
        failingSince === undefined
          ? stuck(writes.oldestMs)
          : failing(performance.now() - failingSince, reason ?? "writing fails");
      if (trouble?.state === "failing" && !sink.required) trouble.state = "degraded";
      return {
        ...(trouble ?? { state: "ok" }),
        ...(writes.lastSuccessAt !== undefined && { lastSuccess: isoTime(writes.lastSuccessAt) }),
        ...(lastFailureAt !== undefined && { lastFailure: isoTime(lastFailureAt) }),
      };
    },
  };
}

type Trouble = { -readonly [Key in keyof Finding]: Finding[Key] };

function failing(forMs: number, reason: string): Trouble {
  return {
    state: forMs >= failingAfterMs ? "failing" : "degraded",
    reason,
    action:
      "Take away the cause: free the disk, bring the directory or its permissions back. Nothing is lost: batches are kept, " +
      "their nodes are asked for no more, and writing is tried again at least every 2 s.",
  };
}

function stuck(forMs: number): Trouble | undefined {
  if (forMs < stuckAfterMs) return undefined;
  return {
    state: "failing",
    reason: `a write has not ended for ${Math.floor(forMs / 1_000)} s`,
    action: "Look after the disk or the network mount. Nothing is lost: writing goes on when it answers.",
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
