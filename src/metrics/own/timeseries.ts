import type { OwnFamilies } from "./families.js";
import type { OwnReading, TimeseriesReading } from "./reading.js";

type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

/** What is kept of nodes' metrics over time, and the queries for it. No series if that is not configured. */
export function addTimeseriesFamilies(families: OwnFamilies<OwnReading>): void {
  const rows =
    (of: (timeseries: TimeseriesReading) => readonly Row[]) =>
    ({ timeseries }: OwnReading): readonly Row[] =>
      timeseries === undefined ? [] : of(timeseries);
  const gauge = (name: string, help: string, of: (timeseries: TimeseriesReading) => number | undefined) =>
    families.gauge(
      { name: `muninn_timeseries_${name}`, help },
      rows((timeseries) => {
        const value = of(timeseries);
        return value === undefined ? [] : [[{}, value]];
      }),
    );
  gauge("points", "Points of nodes' metrics kept in memory.", ({ points }) => points);
  gauge("series", "Series that have points, one for each metric of each node.", ({ series }) => series);
  gauge("bytes", "Memory of the points in bytes.", ({ bytes }) => bytes);
  gauge(
    "oldest_timestamp_seconds",
    "Time from which on all points are kept, in seconds since 1970.",
    ({ reachesBackTo }) => (reachesBackTo === undefined ? undefined : reachesBackTo / 1_000),
  );
  gauge("snapshot_bytes", "Size of the points on disk in bytes.", ({ snapshots }) => snapshots?.bytes);
  families.counter(
    {
      name: "muninn_timeseries_removed_points_total",
      help: "Points removed, by reason: evicted (no room), pruned (older than the retention), clock (it was set back).",
      labelNames: ["reason"],
    },
    rows(({ evicted, pruned, undone }) => [
      [{ reason: "evicted" }, evicted],
      [{ reason: "pruned" }, pruned],
      [{ reason: "clock" }, undone],
    ]),
  );
  families.counter(
    {
      name: "muninn_timeseries_refused_metrics_total",
      help: "Metrics of nodes that are not kept, by reason: too-long (the name), collided (another metric has the same name here), or no-room (for now).",
      labelNames: ["reason"],
    },
    rows(({ refused }) => [
      [{ reason: "collided" }, refused.collided],
      [{ reason: "too-long" }, refused.tooLong],
      [{ reason: "no-room" }, refused.noRoom],
    ]),
  );
  families.counter(
    {
      name: "muninn_timeseries_queries_total",
      help: "Queries answered, by outcome: success, or the type of the error.",
      labelNames: ["outcome"],
    },
    rows(({ queries }) => [...queries].map(([outcome, count]) => [{ outcome }, count])),
  );
}
