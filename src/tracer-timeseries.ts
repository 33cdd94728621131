import type { Config } from "./config/config.js";
import type { Log } from "./daemon/log/log.js";
import type { TimeseriesView } from "./health/timeseries-check.js";
import type { Timeseries, TimeseriesObserver } from "./timeseries/timeseries.js";

/**
 * For the plots of a page when no timeseries are kept: the last hour, in a bounded part of the memory, the oldest
 * dropped first. It has room for about 28,000 metrics; with more, some have no past.
 */
const pastOfPage = {
  maxBytes: 32 * 2 ** 20,
  minIntervalMs: 10_000,
  retentionMs: 3_600_000,
  // It has no query language.
  queryTimeoutMs: 1,
  queryBytes: 1,
};

/**
 * The store configured by `hasTimeseries`; without it its code is not even loaded. @throws SnapshotError if its directory is unusable
 */
export async function openTimeseries(config: Config, log: Log): Promise<Timeseries | undefined> {
  if (config.endpoints.timeseries === undefined) return undefined;
  const { Timeseries } = await import("./timeseries/timeseries.js");
  return Timeseries.open(config.muninn.timeseries, timeseriesEvents(log));
}

/** The store for the page's plots, if there is a page. */
export async function openPastOfPage(config: Config, log: Log): Promise<Timeseries | undefined> {
  if (config.muninn.ui === undefined) return undefined;
  const { Timeseries } = await import("./timeseries/timeseries.js");
  return Timeseries.open(pastOfPage, timeseriesEvents(log));
}

/** Logs what happens to segments: one line when a fault begins and one when it is over. */
function timeseriesEvents(log: Log): TimeseriesObserver {
  return {
    loaded: (points, milliseconds) =>
      log.info("timeseries_loaded", `${points} timeseries points were loaded from disk`, {
        points,
        seconds: milliseconds / 1_000,
      }),
    refused: (file, putAside, err) => {
      const now = putAside === file ? "it stays where it is" : `it is now called ${putAside}`;
      log.warning("timeseries_segment_refused", `${file} was not loaded: ${err.message}; ${now}`, {
        file,
        putAside,
        err,
      });
    },
    saveFailed: (err) =>
      log.error("timeseries_not_written", `timeseries points cannot be written, retrying: ${err.message}`, {
        err,
      }),
    saveRecovered: () => log.info("timeseries_written", "timeseries points are written again"),
  };
}

export function timeseriesView(timeseries: Timeseries): TimeseriesView {
  return {
    reachesBackTo: () => timeseries.stats().reachesBackTo,
    evicted: () => timeseries.stats().evicted,
    noRoomAt: () => timeseries.stats().refused.noRoomAt,
    retentionMs: () => timeseries.pruning.retentionMs,
    loadedShare: () => timeseries.loadedShare,
    trouble: () => timeseries.trouble(),
  };
}
