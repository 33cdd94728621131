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
  gauge("points", "Points of nodes' metrics that are kept.", ({ points }) => points);
  gauge("series", "Series that have points: a metric of a node each.", ({ series }) => series);
  gauge("bytes", "Memory that points take.", ({ bytes }) => bytes);
  gauge(
    "oldest_timestamp_seconds",
    "Time since when all points are there, in seconds since 1970.",
    ({ reachesBackTo }) => (reachesBackTo === undefined ? undefined : reachesBackTo / 1_000),
  );
  gauge("snapshot_bytes", "Points on disk, in bytes.", ({ snapshots }) => snapshots?.bytes);
  families.counter(
    {
      name: "muninn_timeseries_removed_points_total",
      help: "Points removed: no room, older than the retention, or of a time the clock was set back from.",
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
      help: "Metrics of nodes that are not kept: the name is too long, or in the store's spelling another metric has it.",
      labelNames: ["reason"],
    },
    rows(({ refused }) => [
      [{ reason: "collided" }, refused.collided],
      [{ reason: "too-long" }, refused.tooLong],
    ]),
  );
  families.counter(
    {
      name: "muninn_timeseries_queries_total",
      help: "Queries by outcome: success, or the type of the error.",
      labelNames: ["outcome"],
    },
    rows(({ queries }) => [...queries].map(([outcome, count]) => [{ outcome }, count])),
  );
}
