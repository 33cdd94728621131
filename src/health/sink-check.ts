import type { Check, Finding } from "./check.js";
import type { WritesUnderWay } from "./writes-under-way.js";

/** A sink as health sees it. */
export interface WatchedSink {
  readonly name: string;
  /** Every batch must reach a required one; a sink that may miss batches is never worse than degraded. */
  readonly kind: "required" | "best-effort";
  /** What to do while a write neither succeeds nor fails; a sink that may miss batches has no such writes. */
  readonly whenStuck?: string;
  health(): {
    readonly state: "ok" | "degraded" | "failing";
    readonly reason?: string;
    /** What to do about it. */
    readonly action?: string;
  };
}

/** A write that fails for this long, in milliseconds, is more than a brief fault. */
const failingAfterMs = 1_000;
/** A write that neither succeeds nor fails for this long hangs: a dead disk gives no error. */
const stuckAfterMs = 2_000;

/** Checks one sink: whether its writes succeed, and whether they end at all. */
export function sinkCheck(sink: WatchedSink, writes: WritesUnderWay): Check {
  let failingSince: number | undefined;
  let lastFailureAt: number | undefined;
  return {
    name: `sink:${sink.name}`,
    pages: sink.kind === "required" ? "ready" : "none",
    find: () => {
      const { state, reason, action } = sink.health();
      if (state !== "failing") {
        failingSince = undefined;
      } else {
        // Measured by a monotonic clock: the time of day, with which faults are stamped, may jump.
        failingSince ??= performance.now();
        lastFailureAt = Date.now();
      }
      const trouble =
        failingSince === undefined
          ? (stuck(writes.oldestMs, reason, action ?? sink.whenStuck) ?? degraded(state, reason, action))
          : failing(performance.now() - failingSince, reason ?? "writing fails", action);
      if (trouble?.state === "failing" && sink.kind === "best-effort") trouble.state = "degraded";
      return {
        ...(trouble ?? { state: "ok" }),
        ...(writes.lastSuccessAt !== undefined && { lastSuccess: isoTime(writes.lastSuccessAt) }),
        ...(lastFailureAt !== undefined && { lastFailure: isoTime(lastFailureAt) }),
      };
    },
  };
}

type Trouble = { -readonly [Key in keyof Finding]: Finding[Key] };

function degraded(
  state: "ok" | "degraded" | "failing",
  reason: string | undefined,
  action: string | undefined,
): Trouble | undefined {
  if (state !== "degraded") return undefined;
  return { state, ...(reason !== undefined && { reason }), ...(action !== undefined && { action }) };
}

function failing(forMs: number, reason: string, action = "Fix the cause; writing is retried."): Trouble {
  return {
    state: forMs >= failingAfterMs ? "failing" : "degraded",
    reason,
    action,
  };
}

function stuck(forMs: number, reason: string | undefined, action: string | undefined): Trouble | undefined {
  if (forMs < stuckAfterMs) return undefined;
  const hangs = `a write has not finished for ${Math.floor(forMs / 1_000)} s`;
  return {
    state: "failing",
    reason: reason === undefined ? hangs : `${hangs}: ${reason}`,
    ...(action !== undefined && { action }),
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
