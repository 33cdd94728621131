import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { promtoolMissing } from "../metrics/node/exposition-parsers.js";
import { nodeMetricNames } from "./node-metric-names.js";
import { ownSeries } from "./own-series.js";
import { selectorsOf } from "./promql.js";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
  readonly panels: readonly Panel[];
}

/** Labels that service discovery gives every series of a node. */
const nodeLabels = ["job", "instance", "node_name"];

/** As Grafana fills in variables. */
function filledIn(text: string): string {
  return text
    .replace(/\$\{prefix\}/g, "")
    .replace(/\$__(rate_interval|range)/g, "5m")
    .replace(/\$(instance|node)\b/g, ".*");
}

function expressionsOf({ panels }: Dashboard): string[] {
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** `label_values(series, label)` of the variables. */
function valuesAskedFor({ templating }: Dashboard): { series: string; label: string }[] {
  return templating.list
    .filter(({ type }) => type === "query")
    .map(({ query }) => {
      const [, series, label] = /^label_values\((.*), (\w+)\)$/.exec(query)!;
      return { series: series!, label: label! };
    });
}

const boards: Record<string, Dashboard> = {};
beforeAll(async () => {
  for (const name of ["muninn", "nodes"]) {
    boards[name] = JSON.parse(await readFile(`config/grafana/${name}.json`, "utf8"));
  }
});

describe.each(["muninn", "nodes"])("config/grafana/%s.json", (name) => {
  test("has a uid, a title, panels with distinct ids, and a data source to choose", () => {
    const { uid, title, panels, templating } = boards[name]!;
    expect(uid).toMatch(/^[a-z-]{5,40}$/);
    expect(title).not.toBe("");
    expect(panels.length).toBeGreaterThan(20);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(templating.list.map((variable) => variable.name)).toEqual(
      expect.arrayContaining(["datasource", "node"]),
    );
  });

  test("has no overlapping panels, and none outside the grid of 24 columns", () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of boards[name]!.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x} ${y}`) ?? title).toBe(title);
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });

  test("has a query in every panel, and uses every variable", () => {
    const board = boards[name]!;
    for (const panel of board.panels) {
      if (panel.type !== "row") expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
    }
    const text = JSON.stringify(board.panels);
    for (const variable of board.templating.list)
      expect(text).toMatch(new RegExp(`\\$\\{?${variable.name}\\b`));
  });

  test("has queries that Prometheus can parse", async (ctx) => {
    if (promtoolMissing) ctx.skip(promtoolMissing);
    const expressions = expressionsOf(boards[name]!).map(filledIn);
    const rules = expressions.map((expr, index) => ({ record: `query${index}`, expr }));
    const directory = await mkdtemp(join(tmpdir(), "muninn-dashboard-"));
    const file = join(directory, "rules.yml");
    await writeFile(file, JSON.stringify({ groups: [{ name, rules }] }));
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" });
    expect(status, `${stdout}${stderr}`).toBe(0);
    await rm(directory, { recursive: true });
  });
});

test("the two dashboards have different ids", () => {
  expect(boards.muninn!.uid).not.toBe(boards.nodes!.uid);
});

test("Muninn's dashboard uses only metrics and labels that Muninn has", async () => {
  const series = await ownSeries();
  const selectors = expressionsOf(boards.muninn!).map(filledIn).flatMap(selectorsOf);
  expect(selectors.length).toBeGreaterThan(40);
  for (const { metric, labels } of selectors) {
    expect([...series.keys()]).toContain(metric);
    for (const label of labels) expect([...series.get(metric)!], metric).toContain(label);
  }
  for (const asked of valuesAskedFor(boards.muninn!)) {
    const metrics = selectorsOf(filledIn(asked.series)).map(({ metric }) => metric);
    expect(metrics).toHaveLength(1);
    expect([...series.get(metrics[0]!)!]).toContain(asked.label);
  }
});

test("Muninn's dashboard shows every metric that Muninn has", async () => {
  const family = (metric: string) => metric.replace(/_(bucket|sum|count)$/, "");
  const shown = new Set(
    expressionsOf(boards.muninn!).flatMap((expr) =>
      selectorsOf(filledIn(expr)).map(({ metric }) => family(metric)),
    ),
  );
  const all = new Set([...(await ownSeries()).keys()].map(family));
  expect([...all].filter((metric) => !shown.has(metric))).toEqual([]);
});

test("the nodes' dashboard uses only metrics that nodes are known to have", () => {
  const selectors = expressionsOf(boards.nodes!).map(filledIn).flatMap(selectorsOf);
  for (const { metric, labels } of selectors) {
    expect([...nodeMetricNames]).toContain(metric);
    for (const label of labels) expect(nodeLabels).toContain(label);
  }
  for (const asked of valuesAskedFor(boards.nodes!)) {
    expect([...nodeMetricNames]).toContain(filledIn(asked.series));
    expect(nodeLabels).toContain(asked.label);
  }
});

test("the nodes' dashboard shows every metric on its list", () => {
  const shown = new Set(
    expressionsOf(boards.nodes!).flatMap((expr) => selectorsOf(filledIn(expr)).map(({ metric }) => metric)),
  );
  expect([...nodeMetricNames].filter((metric) => !shown.has(metric))).toEqual([]);
});

/** Two sections, so that each object goes to two sinks: 100 objects of 200 bytes a second of each of two nodes. */
const twoSections = ["a", "b"].flatMap((node) =>
  ["file:x", "file:y"].flatMap((sink) => [
    {
      series: `muninn_objects_received_total{instance="i",job="j",node="${node}",sink="${sink}"}`,
      values: "0+6000x20",
    },
    {
      series: `muninn_received_bytes_total{instance="i",job="j",node="${node}",sink="${sink}"}`,
      values: "0+1200000x20",
    },
    {
      series: `muninn_objects_dropped_total{instance="i",job="j",node="${node}",sink="${sink}",reason="failed"}`,
      values: "0+60x20",
    },
  ]),
);

test.skipIf(promtoolMissing !== undefined).each<[string, { labels: string; value: number }[]]>([
  ["Objects per second", [{ labels: "{}", value: 200 }]],
  [
    "Received, by node",
    [
      { labels: '{node="a"}', value: 100 },
      { labels: '{node="b"}', value: 100 },
    ],
  ],
  [
    "Bytes received, by node",
    [
      { labels: '{node="a"}', value: 20_000 },
      { labels: '{node="b"}', value: 20_000 },
    ],
  ],
  ["Dropped in this time range", [{ labels: "{}", value: 600 }]],
])("%s counts each object once, however many logging sections there are", async (title, samples) => {
  const [target] = boards.muninn!.panels.find((panel) => panel.title === title)!.targets!;
  const directory = await mkdtemp(join(tmpdir(), "muninn-dashboard-"));
  const file = join(directory, "test.yml");
  await writeFile(
    file,
    JSON.stringify({
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: twoSections,
          promql_expr_test: [{ expr: filledIn(target!.expr), eval_time: "10m", exp_samples: samples }],
        },
      ],
    }),
  );
  const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
  await rm(directory, { recursive: true });
});

test.each<[string, [string, string[]][]]>([
  ["up", [["up", []]]],
  ['rate(a_total{x="1", y=~"b|c"}[5m])', [["a_total", ["x", "y"]]]],
  [
    "sum by (le, sink) (a) / on (job) b offset 1h",
    [
      ["a", []],
      ["b", []],
    ],
  ],
  ['histogram_quantile(0.99, sum(a_bucket{q="x{y}"})) > bool 1e3', [["a_bucket", ["q"]]]],
])("the metric names in %s are found", (expression, expected) => {
  expect(selectorsOf(expression).map(({ metric, labels }) => [metric, labels])).toEqual(expected);
});
