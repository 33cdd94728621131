import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { promtoolMissing } from "../metrics/node/exposition-parsers.js";
import { ownSeries } from "./own-series.js";
import { selectorsOf } from "./promql.js";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

let alerts: Alert[];

beforeAll(async () => {
  const { groups } = parse(await readFile("config/alerts.yml", "utf8"));
  alerts = groups.flatMap(({ rules }: { rules: Alert[] }) => rules);
});

function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
}

test("promtool finds nothing wrong with the rules", (ctx) => {
  if (promtoolMissing) ctx.skip(promtoolMissing);
  expect(promtool("check", "rules", "config/alerts.yml")).toBe("");
});

test("promtool finds nothing wrong with prometheus.yml and the files it names", (ctx) => {
  if (promtoolMissing) ctx.skip(promtoolMissing);
  expect(promtool("check", "config", "config/prometheus.yml")).toBe("");
});

test("each rule fires when it should and only then", (ctx) => {
  if (promtoolMissing) ctx.skip(promtoolMissing);
  expect(promtool("test", "rules", "test/config-files/alert-cases.yml")).toBe("");
});

test("the rules use only metrics and labels that Muninn has", async () => {
  const series = await ownSeries();
  const selectors = alerts.flatMap(({ expr }) => selectorsOf(expr)).filter(({ metric }) => metric !== "up");
  expect(selectors.length).toBeGreaterThan(alerts.length);
  for (const { metric, labels } of selectors) {
    expect([...series.keys()]).toContain(metric);
    for (const label of labels) expect([...series.get(metric)!]).toContain(label);
  }
});

test("every rule has a unique name, a severity, and a text that says what is wrong and what to do", () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  for (const { alert, labels, annotations } of alerts) {
    expect(alert).toMatch(/^Muninn[A-Z]\w+$/);
    expect(["critical", "warning"]).toContain(labels.severity);
    expect(annotations.summary.length).toBeGreaterThan(20);
    expect(annotations.description.length).toBeGreaterThan(10);
  }
});

describe("prometheus.yml", () => {
  test("scrapes the endpoint of config/complete.yaml", async () => {
    const { hasPrometheus } = parse(await readFile("config/complete.yaml", "utf8"));
    const text = await readFile("config/prometheus.yml", "utf8");
    const address = `${hasPrometheus.epHost}:${hasPrometheus.epPort}`;
    const { scrape_configs } = parse(text);
    expect(scrape_configs).toMatchObject([
      { job_name: "muninn", metrics_path: "/metrics/self", static_configs: [{ targets: [address] }] },
      { job_name: "cardano-nodes", http_sd_configs: [{ url: `http://${address}/targets` }] },
    ]);
  });

  describe("with a token", () => {
    let directory: string;
    let file: string;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "muninn-prometheus-"));
      file = join(directory, "prometheus.yml");
      const token = join(directory, "token");
      await writeFile(token, "secret");
      const text = await readFile("config/prometheus.yml", "utf8");
      const uncommented = text
        .replace(/# (?=authorization:)/g, "")
        .replaceAll("/etc/prometheus/muninn-token", token)
        .replace("- alerts.yml", `- ${join(process.cwd(), "config/alerts.yml")}`);
      await writeFile(file, uncommented);
    });
    afterAll(() => rm(directory, { recursive: true }));

    test("sends it to every endpoint", async () => {
      const authorization = { type: "Bearer", credentials_file: join(directory, "token") };
      expect(parse(await readFile(file, "utf8")).scrape_configs).toMatchObject([
        { job_name: "muninn", authorization },
        { job_name: "cardano-nodes", authorization, http_sd_configs: [{ authorization }] },
      ]);
    });

    test("passes promtool's check", (ctx) => {
      if (promtoolMissing) ctx.skip(promtoolMissing);
      expect(promtool("check", "config", file)).toBe("");
    });
  });
});
