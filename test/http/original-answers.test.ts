import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEkgEndpoint } from "../../src/http/ekg-endpoint.js";
import type { EndpointServer } from "../../src/http/endpoint-server.js";
import { openPrometheusEndpoint } from "../../src/http/prometheus-endpoint.js";
import { ask } from "./clients.js";
import { anyPort, prometheusOptions, viewedNode, viewOf } from "./nodes.js";

interface Answered {
  readonly status: number;
  readonly type: string | RegExp;
  readonly body: string | RegExp;
}

interface Case {
  readonly path: string;
  readonly accept?: string;
  /** The answer of cardano-tracer 0.5.0; absent if it was not recorded. */
  readonly original?: Answered;
  /** If Muninn answers differently: how, and the beginning of the row in docs/migrating.md that says so. */
  readonly muninn?: Answered & { readonly row: string };
}

const plain = /^text\/plain; ?charset=utf-8$/;
const html = "text/html; charset=utf-8";
const json = "application/json";
const openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const text004 = "text/plain; version=0.0.4; charset=utf-8";

const list: Answered = { status: 200, type: json, body: '{"Relay_1":"/relay-1"}' };
const page: Answered = { status: 200, type: html, body: /<a href="\/relay-1">Relay_1<\/a>/ };
const notFound: Answered = { status: 404, type: plain, body: /^Not found: / };
const noMetric: Answered = { status: 404, type: json, body: '"Metric not found"' };
const exposition = /^cardano_node_metrics_Mem_resident_int 7000$[\s\S]*^# EOF\n$/m;
const target = {
  targets: ["tracer:12808"],
  labels: { network: "mainnet", __metrics_path__: "/relay-1", node_name: "Relay_1" },
};
const targets: Answered = { status: 200, type: json, body: JSON.stringify([target]) };
const gauge: Answered = { status: 200, type: json, body: '{"type":"g","val":7000}' };
const nested = /"cardano":\{"node":\{"metrics":\{"Mem":\{"resident_int":\{"type":"g","val":7000\}\}\}\}\}/;

const ofPrometheus: Case[] = [
  { path: "/", original: list },
  { path: "/", accept: json, original: list },
  { path: "/", accept: `text/html, ${json}`, original: list },
  { path: "/", accept: "text/html", original: page },
  { path: "/", accept: "*/*", original: page },
  { path: "/targets", original: targets },
  { path: "/targets", accept: json, original: targets },
  { path: "/targets", accept: "text/html", original: { status: 415, type: /./, body: /^/ } },
  {
    path: "/targets",
    accept: "*/*",
    original: { status: 415, type: /./, body: /^/ },
    muninn: { ...targets, row: "`/targets` refuses `Accept: */*` with 415" },
  },
  { path: "/relay-1", original: { status: 200, type: openMetrics, body: exposition } },
  {
    path: "/relay-1",
    accept: "application/openmetrics-text",
    original: { status: 200, type: openMetrics, body: exposition },
  },
  {
    path: "/relay-1",
    accept: "text/plain",
    original: { status: 200, type: text004, body: exposition },
  },
  { path: "/relay-1", accept: "*/*", original: { status: 200, type: text004, body: exposition } },
  {
    path: "/relay-1/metrics",
    muninn: { status: 200, type: openMetrics, body: exposition, row: "a node is at `/slug`" },
  },
  {
    path: "/metrics",
    muninn: {
      status: 200,
      type: openMetrics,
      body: /^cardano_node_metrics_Mem_resident_int\{node_name="Relay_1"\} 7000$/m,
      row: "one exposition for each node",
    },
  },
  { path: "/Relay_1", original: notFound },
  { path: "/nobody", original: notFound },
  { path: "/nobody", accept: "text/html", original: notFound },
  { path: "/relay-1/cardano.node.metrics.Mem.resident_int", original: notFound },
];

const ofEkg: Case[] = [
  { path: "/", original: list },
  { path: "/", accept: json, original: list },
  { path: "/", accept: "text/html", original: page },
  { path: "/relay-1", original: { status: 200, type: json, body: nested } },
  { path: "/relay-1", accept: json, original: { status: 200, type: json, body: nested } },
  { path: "/relay-1", accept: "text/html", original: { status: 200, type: html, body: /<title>Relay_1/ } },
  { path: "/relay-1/cardano.node.metrics.Mem.resident_int", accept: json, original: gauge },
  { path: "/relay-1/cardano/node/metrics/Mem/resident_int", accept: json, original: gauge },
  { path: "/relay-1/cardano/node.metrics/Mem.resident_int", accept: json, original: gauge },
  { path: "/relay-1/note", accept: json, original: { ...gauge, body: '{"type":"l","val":"x \\"y\\""}' } },
  {
    path: "/relay-1/forks_total",
    accept: json,
    original: { ...gauge, body: '{"type":"c","val":9223372036854775807}' },
  },
  { path: "/relay-1/cardano.node.metrics.Mem.resident", accept: json, original: noMetric },
  { path: "/relay-1/cardano.node.metrics.Mem", accept: json, original: noMetric },
  { path: "/relay-1/cardano/node", accept: json, original: noMetric },
  { path: "/relay-1/cardano.node.metrics.Mem.resident_int", accept: "text/html", original: notFound },
  { path: "/relay-1/cardano.node.metrics.Mem.resident_int", accept: "*/*", original: notFound },
  { path: "/nobody", accept: json, original: notFound },
  { path: "/nobody/cardano.node.metrics.Mem.resident_int", accept: json, original: notFound },
];

describe("answers compared with cardano-tracer's", () => {
  let migrating: string;
  let servers: Record<"hasPrometheus" | "hasEKG", EndpointServer>;

  beforeAll(async () => {
    migrating = await readFile("docs/migrating.md", "utf8");
    const nodes = [
      viewedNode("Relay_1", "relay-1", [
        ["cardano.node.metrics.Mem.resident_int", "g", 7_000n],
        ["forks_total", "c", 2n ** 63n - 1n],
        ["note", "l", 'x "y"'],
      ]),
    ];
    servers = {
      hasPrometheus: await openPrometheusEndpoint({
        endpoint: anyPort,
        field: "hasPrometheus",
        ...prometheusOptions(nodes),
        prometheusLabels: { network: "mainnet" },
      }),
      hasEKG: await openEkgEndpoint({ endpoint: anyPort, field: "hasEKG", nodes: viewOf(nodes) }),
    };
  });
  afterAll(() => Promise.all(Object.values(servers).map((server) => server.stop())));

  const cases = [
    ...ofPrometheus.map((one) => ({ port: "hasPrometheus" as const, ...one })),
    ...ofEkg.map((one) => ({ port: "hasEKG" as const, ...one })),
  ];

  test.each(cases)(
    "$port: GET $path with Accept $accept",
    async ({ port, path, accept, original, muninn }) => {
      const headers = { host: "tracer:12808", ...(accept !== undefined && { accept }) };
      const { status, headers: answered, text } = await ask(servers[port], path, { headers });
      const expected = muninn ?? original!;
      expect(status).toBe(expected.status);
      expect(answered["content-type"]).toMatch(whole(expected.type));
      expect(text).toMatch(whole(expected.body));
      if (muninn !== undefined) expect(migrating).toContain(`| ${muninn.row}`);
    },
  );
});

/** A string matches only itself. */
function whole(pattern: string | RegExp): RegExp {
  if (typeof pattern !== "string") return pattern;
  return new RegExp(`^${pattern.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`);
}
