import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EndpointServer } from "../../src/http/endpoint-server.js";
import { openPrometheusEndpoint } from "../../src/http/prometheus-endpoint.js";
import type { MetricSet } from "../metrics/node/metric-sets.js";
import { anyPort, prometheusOptions, viewedNode } from "./nodes.js";

const missing =
  spawnSync("prometheus", ["--version"]).status === 0
    ? undefined
    : "prometheus is not on PATH (Debian: prometheus)";

const odd = 'q"\\ \n {}, # 😀 \r\t\0 end';
const metrics = (shift: bigint): MetricSet => [
  ["cardano.node.metrics.blockNum.int", "g", 11_000_000n + shift],
  ["forks_total", "c", 3n + shift],
  ["deep.below.int", "g", -(2n ** 62n)],
  ["density.real", "l", "0.048"],
  ["build_info", "l", '{version="10.1.4",compiler="ghc"} 1'],
  ["note", "l", odd],
  ["0 starts.with-digit", "g", 7n],
];

/** Requests the endpoint like a client that prefers text 0.0.4; this Prometheus has no setting for that. */
function textProxy(target: EndpointServer): Server {
  return createServer((message, response) => {
    const { host } = message.headers;
    const accept = message.url === "/targets" ? "application/json" : "text/plain;version=0.0.4";
    const headers = { accept, "x-forwarded-host": host };
    request({ ...target.address, path: message.url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    }).end();
  });
}

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

interface Series {
  readonly metric: Record<string, string>;
  readonly value: [number, string];
}

describe.skipIf(missing !== undefined)("a real Prometheus", () => {
  let directory: string;
  let endpoint: EndpointServer;
  let proxy: Server;
  let prometheus: ChildProcess;
  let output = "";
  let api: string;

  beforeAll(async () => {
    const nodes = [
      viewedNode("relay one", "relay-one", metrics(1n)),
      viewedNode('core "😀"', "core", metrics(2n)),
    ];
    endpoint = await openPrometheusEndpoint({
      endpoint: anyPort,
      field: "hasPrometheus",
      ...prometheusOptions(nodes),
      metricsHelp: { forks_total: 'Forks, "seen"\nand \\ counted' },
      prometheusLabels: { network: "test" },
    });
    proxy = textProxy(endpoint).listen(0, "127.0.0.1");
    await once(proxy, "listening");

    directory = await mkdtemp(join(tmpdir(), "muninn-prometheus-"));
    const direct = `127.0.0.1:${endpoint.address.port}`;
    const proxied = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const config = {
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: [
        {
          job_name: "openmetrics",
          http_sd_configs: [{ url: `http://${direct}/targets`, refresh_interval: "1s" }],
        },
        { job_name: "text", http_sd_configs: [{ url: `http://${proxied}/targets`, refresh_interval: "1s" }] },
        { job_name: "all", static_configs: [{ targets: [direct] }] },
        { job_name: "all-text", static_configs: [{ targets: [proxied] }] },
      ],
    };
    // JSON is YAML.
    await writeFile(join(directory, "prometheus.yml"), JSON.stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    api = `http://${address}/api/v1`;
    prometheus = spawn("prometheus", [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=${address}`,
    ]);
    for (const stream of [prometheus.stdout!, prometheus.stderr!]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
  });

  afterAll(async () => {
    if (prometheus.exitCode === null) {
      prometheus.kill("SIGTERM");
      await once(prometheus, "exit");
    }
    proxy.close();
    await endpoint.stop();
    await rm(directory, { recursive: true });
  });

  async function query(expression: string): Promise<Series[]> {
    const response = await fetch(`${api}/query?${new URLSearchParams({ query: expression })}`).catch(
      () => undefined,
    );
    if (response?.ok !== true) return [];
    const { data } = (await response.json()) as { data: { result: Series[] } };
    return data.result;
  }

  const patience = { timeout: 40_000, interval: 250 };

  test.each([
    ["openmetrics", 2],
    ["text", 2],
    ["all", 1],
    ["all-text", 1],
  ])("scrapes the targets of job %s without an error", async (job, count) => {
    const up = async () => (await query(`up{job="${job}"}`)).map(({ value }) => value[1]);
    await expect.poll(up, patience).toEqual(Array(count).fill("1"));
    const { data } = (await (await fetch(`${api}/targets`)).json()) as {
      data: { activeTargets: { scrapePool: string; lastError: string }[] };
    };
    const errors = data.activeTargets.filter(({ scrapePool }) => scrapePool === job).map((t) => t.lastError);
    expect(errors, output).toEqual(Array(count).fill(""));
  });

  test.each([
    ["openmetrics", "relay one", 1n],
    ["openmetrics", 'core "😀"', 2n],
    ["text", "relay one", 1n],
    ["text", 'core "😀"', 2n],
    ["all", "relay one", 1n],
    ["all", 'core "😀"', 2n],
    ["all-text", 'core "😀"', 2n],
  ])("stores for job %s what node %s sent", async (job, name, shift) => {
    const selector = `{job="${job}",node_name=${JSON.stringify(name)},__name__!~"up|scrape_.*|ekg_.*"}`;
    await expect.poll(async () => (await query(selector)).length, patience).toBe(7);
    const series = (await query(selector)).map(({ metric, value }) => {
      const { __name__, job: _job, instance: _instance, node_name: _node, network, ...labels } = metric;
      expect(network).toBe(job.startsWith("all") ? undefined : "test");
      return [__name__, labels, Number(value[1])];
    });
    expect(series).toEqual(
      expect.arrayContaining([
        ["cardano_node_metrics_blockNum_int", {}, 11_000_000 + Number(shift)],
        ["forks_total", {}, 3 + Number(shift)],
        ["deep_below_int", {}, -(2 ** 62)],
        ["density_real", {}, 0.048],
        ["build_info", { version: "10.1.4", compiler: "ghc" }, 1],
        ["note", { value: odd }, 1],
        ["_0_starts_with_digit", {}, 7],
      ]),
    );
  });

  test("stores types and help", async () => {
    const metadata = async () => {
      const response = await fetch(`${api}/targets/metadata?metric=forks_total`).catch(() => undefined);
      const answer = (await response?.json()) as { data?: { type: string; help: string }[] } | undefined;
      return answer?.data?.[0];
    };
    await expect
      .poll(metadata, patience)
      .toMatchObject({ type: "counter", help: 'Forks, "seen"\nand \\ counted' });
  });
});

if (missing !== undefined) {
  test("a real Prometheus scrapes the nodes", (ctx) => ctx.skip(missing));
}
