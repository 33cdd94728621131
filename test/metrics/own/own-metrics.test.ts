import { spawnSync } from "node:child_process";
import { beforeEach, describe, expect, test } from "vitest";
import type { ExpositionFormat } from "../../../src/metrics/node/exposition.js";
import type { OwnEvents } from "../../../src/metrics/own/events.js";
import { OwnMetrics } from "../../../src/metrics/own/own-metrics.js";
import type { AccountReading } from "../../../src/metrics/own/reading.js";
import {
  openMetricsParserMissing,
  parseOpenMetrics,
  prometheusOpenMetricsErrors,
  promtoolMissing,
} from "../node/exposition-parsers.js";
import { account, ownSources } from "./sources.js";

let accounts: [string, string, AccountReading][];
let own: OwnMetrics;
let events: OwnEvents;

beforeEach(() => {
  accounts = [["relay-1", "file:a", account(10, 8, [["stopped", 2]])]];
  const sources = ownSources({ accounts: () => accounts });
  events = sources.events;
  own = new OwnMetrics(sources);
});

async function textOf(format: ExpositionFormat): Promise<string> {
  return (await own.exposition(format)).body;
}

/** The series of an exposition, with their values. */
async function series(format: ExpositionFormat = "text"): Promise<Map<string, number>> {
  const lines = (await textOf(format)).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test("thousands of nodes are written in many turns of the event loop, each once and under one heading", async () => {
  const names = Array.from({ length: 2_500 }, (_, index) => `relay-${index}`);
  accounts = names.map((name) => [name, "file:a", account(10, 8, [["stopped", 2]])]);
  // The first one loads what it needs, which takes turns, too.
  await textOf("text");
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const text = await textOf("text");
  isOver = true;
  const lines = text.split("\n");
  const received = lines.filter((line) => line.includes("muninn_objects_received_total"));
  expect(received.slice(2)).toEqual(
    names.map((name) => `muninn_objects_received_total{node="${name}",sink="file:a"} 10`),
  );
  expect(received.slice(0, 2).map((line) => line.slice(0, 6))).toEqual(["# HELP", "# TYPE"]);
  // Families in one turn each would be as many as there are headings.
  const families = lines.filter((line) => line.startsWith("# HELP")).length;
  expect(turns).toBeGreaterThan(families + 4 * 2);
});

describe("the exposition", () => {
  test.each<[string, number]>([
    ['muninn_objects_received_total{node="relay-1",sink="file:a"}', 10],
    ['muninn_objects_written_total{node="relay-1",sink="file:a"}', 8],
    ['muninn_objects_dropped_total{node="relay-1",sink="file:a",reason="stopped"}', 2],
    ['muninn_batches_received_total{node="relay-1",sink="file:a"}', 3],
    ['muninn_received_bytes_total{node="relay-1",sink="file:a"}', 1_000],
    ['muninn_requests_outstanding{node="relay-1"}', 2],
    ['muninn_node_metrics{node="relay-1"}', 300],
    ['muninn_node_metrics_refused{node="relay-1"}', 4],
    ['muninn_connections{state="handshaking"}', 5],
    ['muninn_connections{state="connected"}', 6],
    ['muninn_flight_bytes{state="reserved"}', 11],
    ['muninn_flight_bytes{state="held"}', 12],
    ["muninn_flight_limit_bytes", 13],
    ["muninn_registry_hits_total", 1_000],
    ["muninn_registry_misses_total", 1_001],
    ["muninn_registry_opened_total", 1_002],
    ["muninn_registry_created_total", 1_003],
    ["muninn_registry_reopened_total", 1_004],
    ["muninn_registry_evicted_total", 1_005],
    ["muninn_registry_idle_closed_total", 1_006],
    ["muninn_registry_rotated_total", 1_007],
    ["muninn_registry_expired_total", 1_008],
    ["muninn_registry_vanished_total", 1_009],
    ["muninn_registry_torn_closed_total", 1_010],
    ["muninn_registry_writes_total", 1_011],
    ["muninn_registry_written_bytes_total", 1_012],
    ["muninn_registry_failed_attempts_total", 1_013],
    ["muninn_registry_possibly_doubled_bytes_total", 1_014],
    ["muninn_registry_handles_open", 1_015],
    ["muninn_registry_handles_pinned", 1_016],
    ["muninn_registry_handles_limit", 1_017],
    ["muninn_registry_logs", 1_018],
    ["muninn_registry_unwritten_bytes", 1_019],
    ["muninn_registry_faults", 1_020],
    ["muninn_registry_oldest_retry_age_seconds", 1_021],
    ["muninn_ready", 1],
    ['muninn_health_check_state{check="listener"}', 0],
    ['muninn_health_check_state{check="nodes"}', 1],
    ['muninn_health_check_state{check="disk:/logs"}', 2],
    ['muninn_disk_size_bytes{root="/logs"}', 1_000],
    ['muninn_disk_available_bytes{root="/logs"}', 250],
    ['muninn_http_connections{endpoint="prometheus"}', 7],
    ['muninn_http_answers_total{endpoint="prometheus",status="200"}', 21],
    ['muninn_http_answers_total{endpoint="prometheus",status="404"}', 1],
    ['muninn_http_slow_readers_cut_total{endpoint="prometheus"}', 8],
    ['muninn_http_connections_refused_total{endpoint="prometheus"}', 9],
    ['muninn_http_connections_closed_total{endpoint="prometheus",reason="gave-way"}', 39],
    [`muninn_build_info{version="1.2.3",node_version="${process.versions.node}"}`, 1],
    ["muninn_timeseries_points", 60],
    ["muninn_timeseries_series", 3],
    ["muninn_timeseries_bytes", 900],
    ["muninn_timeseries_oldest_timestamp_seconds", 1_771_234_567.5],
    ["muninn_timeseries_snapshot_bytes", 38],
    ['muninn_timeseries_removed_points_total{reason="evicted"}', 31],
    ['muninn_timeseries_removed_points_total{reason="pruned"}', 32],
    ['muninn_timeseries_removed_points_total{reason="clock"}', 33],
    ['muninn_timeseries_refused_metrics_total{reason="collided"}', 34],
    ['muninn_timeseries_refused_metrics_total{reason="too-long"}', 35],
    ['muninn_timeseries_refused_metrics_total{reason="no-room"}', 36],
    ['muninn_timeseries_queries_total{outcome="success"}', 37],
    ["muninn_otlp_in_resources", 2],
    ["muninn_otlp_in_held_bytes", 1_000],
    ['muninn_otlp_in_connections{transport="grpc"}', 2],
    ['muninn_otlp_in_connections_closed_total{transport="http",reason="gave-way"}', 3],
    ['muninn_otlp_in_answers_total{transport="http",status="200"}', 3],
    ['muninn_otlp_in_taken_total{signal="logs"}', 5],
    ['muninn_otlp_in_taken_total{signal="metrics"}', 6],
    ['muninn_otlp_in_rejected_total{signal="logs"}', 1],
    ['muninn_otlp_in_rejected_total{signal="metrics"}', 2],
    ["muninn_connections_turned_away_total", 0],
    ["muninn_metric_names_left_out_total", 0],
    ['muninn_connections_ended_total{reason="malformed"}', 0],
    ['muninn_metrics_refused_total{reason="too-many"}', 0],
    ['muninn_handshakes_refused_total{reason="refused-by-us"}', 0],
  ])("shows %s as %d", async (name, value) => {
    expect((await series()).get(name)).toBe(value);
  });

  test("shows the process metrics of this process", async () => {
    const all = await series();
    const { rss } = process.memoryUsage();
    expect(all.get("muninn_process_resident_memory_bytes")! / rss).toBeCloseTo(1, 0);
    const cpu = process.cpuUsage();
    expect(all.get('muninn_process_cpu_seconds_total{mode="user"}')!).toBeLessThanOrEqual(cpu.user / 1e6);
    expect(all.get("muninn_process_start_time_seconds")!).toBeLessThanOrEqual(Date.now() / 1_000);
    expect(all.get("muninn_process_start_time_seconds")!).toBeGreaterThan(Date.now() / 1_000 - 86_400);
    for (const use of ["heap_used", "heap_total", "external"])
      expect(all.get(`muninn_process_memory_bytes{use="${use}"}`)!).toBeGreaterThan(0);
  });
});

describe("the counted events", () => {
  test("appear in the histograms of their sink", async () => {
    events.batchSettled("file:a", 100, 0.001);
    events.batchSettled("file:a", 3, 1);
    events.batchSettled("file:b", 1, 60);
    const all = await series();
    expect(all.get('muninn_batch_objects_bucket{le="2",sink="file:a"}')).toBe(0);
    expect(all.get('muninn_batch_objects_bucket{le="4",sink="file:a"}')).toBe(1);
    expect(all.get('muninn_batch_objects_bucket{le="128",sink="file:a"}')).toBe(2);
    expect(all.get('muninn_batch_objects_sum{sink="file:a"}')).toBe(103);
    expect(all.get('muninn_batch_objects_count{sink="file:b"}')).toBe(1);
    expect(all.get('muninn_write_duration_seconds_bucket{le="0.002",sink="file:a"}')).toBe(1);
    expect(all.get('muninn_write_duration_seconds_bucket{le="20",sink="file:b"}')).toBe(0);
    expect(all.get('muninn_write_duration_seconds_bucket{le="+Inf",sink="file:b"}')).toBe(1);
  });

  test("have a count for each reason, and another if the handshake was not over", async () => {
    events.connectionEnded("left", { handshakeDone: true });
    events.connectionEnded("refused-by-us", { handshakeDone: false });
    events.connectionEnded("refused-by-us", { handshakeDone: false });
    events.connectionEnded("probe", { handshakeDone: false });
    events.connectionRefused();
    events.namesLeftOut(3);
    events.namesLeftOut(2);
    events.metricsRefused("too-many", 3);
    events.metricsRefused("too-many", 4);
    const all = await series();
    expect(all.get('muninn_connections_ended_total{reason="left"}')).toBe(1);
    expect(all.get('muninn_handshakes_refused_total{reason="left"}')).toBe(0);
    expect(all.get('muninn_connections_ended_total{reason="probe"}')).toBe(1);
    expect(all.get('muninn_handshakes_refused_total{reason="probe"}')).toBe(0);
    expect(all.get('muninn_connections_ended_total{reason="refused-by-us"}')).toBe(2);
    expect(all.get('muninn_handshakes_refused_total{reason="refused-by-us"}')).toBe(2);
    expect(all.get("muninn_connections_turned_away_total")).toBe(1);
    expect(all.get("muninn_metric_names_left_out_total")).toBe(5);
    expect(all.get('muninn_metrics_refused_total{reason="too-many"}')).toBe(7);
  });
});

describe("an exposition", () => {
  test("shows a single moment, whatever happens while it is written", async () => {
    const live = { received: 5, written: 5, batches: 1, bytes: 1, dropped: new Map<string, number>() };
    accounts = [["relay-1", "file:a", live]];
    const exposition = series();
    live.received += 100;
    live.written += 99;
    live.dropped.set("stopped", 1);
    const all = await exposition;
    expect(all.get('muninn_objects_received_total{node="relay-1",sink="file:a"}')).toBe(5);
    expect(all.get('muninn_objects_written_total{node="relay-1",sink="file:a"}')).toBe(5);
    expect(all.get('muninn_objects_dropped_total{node="relay-1",sink="file:a",reason="stopped"}')).toBe(0);
  });

  test("has the counts of nodes that left under an empty name, and no series of a node that is gone", async () => {
    await textOf("text");
    accounts = [["", "file:a", account(10, 10)]];
    const names = [...(await series()).keys()];
    expect(names).toContain('muninn_objects_received_total{node="",sink="file:a"}');
    expect(names.filter((name) => name.startsWith("muninn_objects") && name.includes("relay-1"))).toEqual([]);
  });

  test("is written once for simultaneous requests, and again for later ones", async () => {
    const [first, second] = [own.exposition("text"), own.exposition("text")];
    expect(second).toBe(first);
    await first;
    accounts = [["relay-1", "file:a", account(11, 11)]];
    expect(await textOf("text")).toContain(
      'muninn_objects_received_total{node="relay-1",sink="file:a"} 11\n',
    );
  });

  test("has the same series in both formats, in whatever order they are requested", async () => {
    events.batchSettled("file:a", 1, 1);
    const openmetrics = await series("openmetrics");
    const [text, again] = [await series("text"), await series("openmetrics")];
    expect([...text.keys()]).toEqual([...openmetrics.keys()]);
    expect([...again.keys()]).toEqual([...openmetrics.keys()]);
  });

  test("states its format", async () => {
    expect((await own.exposition("text")).contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect((await own.exposition("openmetrics")).contentType).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
  });
});

describe("an exposition with unusual names of nodes", () => {
  beforeEach(() => {
    accounts = ['q"\\ \n {}, # 😀', "", " "].map((name) => [name, 'file:ForMachine:/a"b', account(1, 1)]);
    events.batchSettled('file:ForMachine:/a"b', 100, 1);
  });

  test("passes promtool's check, lint included", async (ctx) => {
    if (promtoolMissing) ctx.skip(promtoolMissing);
    const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], {
      input: await textOf("text"),
    });
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
  });

  test("is accepted by Prometheus in the OpenMetrics form", async (ctx) => {
    if (promtoolMissing) ctx.skip(promtoolMissing);
    expect(await prometheusOpenMetricsErrors(await textOf("openmetrics"))).toBe("");
  });

  test("gives the names unchanged to the strict OpenMetrics parser", async (ctx) => {
    if (openMetricsParserMissing) ctx.skip(openMetricsParserMissing);
    const [families] = await parseOpenMetrics([await textOf("openmetrics")]);
    expect(families).toBeInstanceOf(Array);
    expect(families).toContainEqual({
      name: "muninn_objects_received",
      type: "counter",
      help: "Trace objects received, for each node and sink.",
      samples: accounts.map(([node, sink]) => ["muninn_objects_received_total", { node, sink }, "1"]),
    });
  });
});

test("every family has help and at least one series", async () => {
  events.batchSettled("file:a", 1, 1);
  const text = await textOf("text");
  for (const block of text.replace("# EOF\n", "").split(/(?=# HELP )/)) {
    expect(block).toMatch(
      /^# HELP muninn_\w+ [A-Z0-9][^\n"]*\.\n# TYPE muninn_\w+ (counter|gauge|histogram)\n(muninn_.*\n)+$/,
    );
  }
});
