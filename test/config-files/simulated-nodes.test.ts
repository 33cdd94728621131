import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ExposedNames } from "../../src/metrics/node/exposed-name.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { nodeMetricNames } from "./node-metric-names.js";
import { selectorsOf } from "./promql.js";

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const names = new ExposedNames({ noSuffix: false });
const source = new NumberedSource({ name: "simulated" });
const exposed = new Set([...source.metrics.keys()].map((name) => names.of(name)));

test("a simulated node has every metric that the dashboards use, under the usual prefix", () => {
  const missing = [...nodeMetricNames].filter((name) => !exposed.has(`cardano_node_metrics_${name}`));
  expect(missing).toEqual([]);
});

test("every panel of the unchanged nodes' dashboard shows something for simulated nodes", async () => {
  const board: Dashboard = JSON.parse(await readFile("config/grafana/nodes.json", "utf8"));
  const prefix = board.templating.list.find(({ name }) => name === "prefix")!.query;
  const panels = board.panels.filter(({ type }) => type !== "row");
  expect(panels.length).toBeGreaterThan(20);
  const empty = panels.filter(({ targets = [] }) => {
    const expressions = targets.map(({ expr }) => expr.replace(/\$\{prefix\}/g, prefix));
    const metrics = expressions.flatMap(selectorsOf).map(({ metric }) => metric);
    return metrics.length === 0 || !metrics.every((metric) => exposed.has(metric));
  });
  expect(empty.map(({ title }) => title)).toEqual([]);
});

test("a simulated node's counters increase while it runs", () => {
  let now = 0;
  const running = new NumberedSource({ name: "n", clock: { now: () => now, sleep: async () => {} } });
  const before = running.metrics;
  now = 24 * 60 * 60 * 1_000;
  const after = running.metrics;
  const counters = [...before].filter(([, { kind }]) => kind === "counter");
  expect(counters.length).toBeGreaterThan(5);
  for (const [name, { value }] of counters)
    expect(Number(after.get(name)!.value), name).toBeGreaterThan(Number(value));
});
