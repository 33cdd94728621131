import type { Check, Finding } from "./check.js";

/** The state of the store of timeseries. */
export interface TimeseriesView {
  /** All points from this time on are present, in milliseconds since 1970; undefined while there are none. */
  reachesBackTo(): number | undefined;
  /** Points dropped before their retention ended. */
  evicted(): number;
  /** When a metric last had no room, in milliseconds since 1970. */
  noRoomAt(): number;
  retentionMs(): number;
  /** Below 1 while older points are being loaded. */
  loadedShare(): number;
  /** What prevents points from surviving a restart. */
  trouble():
    | { readonly directory: string; readonly writing: Error | undefined; readonly refused: number }
    | undefined;
}

/** A metric without room is tried again with each answer of its node. */
const recentMs = 60_000;

/** How far back the store reaches, and whether it would survive a restart. */
export function timeseriesCheck(view: TimeseriesView): Check {
  return { name: "timeseries", pages: "none", find: () => find(view) };
}

function find(view: TimeseriesView): Finding {
  const trouble = view.trouble();
  if (trouble?.writing !== undefined) {
    return {
      state: "degraded",
      reason: `points cannot be written to ${trouble.directory}: ${trouble.writing.message}; ${reach(view)}`,
      action: "Check that directory and its disk; what is not written is lost at a restart.",
    };
  }
  if (trouble !== undefined) {
    return {
      state: "degraded",
      reason: `${trouble.refused} damaged segments in ${trouble.directory} were not loaded; ${reach(view)}`,
      action: "The log names them. Check the disk. Nothing else is needed: the next start ignores them.",
    };
  }
  if (Date.now() - view.noRoomAt() < recentMs) {
    return {
      state: "degraded",
      reason: `there is no room for all metrics of the nodes, and some are not kept; ${reach(view)}`,
      action: "Raise muninn.timeseries.maxBytes: a metric takes at least 1.2 KB.",
    };
  }
  return { state: "ok", reason: reach(view) };
}

function reach(view: TimeseriesView): string {
  if (view.loadedShare() < 1)
    return `older points are being loaded, ${Math.floor(100 * view.loadedShare())} %`;
  const since = view.reachesBackTo();
  if (since === undefined) return "there are no points yet";
  const text = `points reach back to ${new Date(since).toISOString()}`;
  const isShort = view.evicted() > 0 && Date.now() - since < view.retentionMs();
  return isShort ? `${text}, less than the retention: muninn.timeseries.maxBytes is full` : text;
}
