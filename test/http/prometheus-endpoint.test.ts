import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EndpointOptions } from "../../src/http/endpoint-options.js";
import type { EndpointServer } from "../../src/http/endpoint-server.js";
import type { ViewedNode } from "../../src/http/nodes-view.js";
import { openPrometheusEndpoint, type PrometheusOptions } from "../../src/http/prometheus-endpoint.js";
import { give } from "../metrics/node/metric-sets.js";
import { ask } from "./clients.js";
import { anyPort, health, healthy, prometheusOptions, viewedNode } from "./nodes.js";

const openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const plainText = "text/plain; version=0.0.4; charset=utf-8";

let nodes: ViewedNode[];
let server: EndpointServer;

async function open(options: Partial<PrometheusOptions & EndpointOptions> = {}): Promise<EndpointServer> {
  return openPrometheusEndpoint({
    endpoint: anyPort,
    field: "hasPrometheus",
    ...prometheusOptions(nodes),
    ...options,
  });
}

beforeEach(async () => {
  nodes = [
    viewedNode("Node 1", "node-1", [["a.int", "g", 1n]]),
    viewedNode("<b>&\"'", "b", [["a.int", "g", 2n]]),
  ];
  server = await open();
});
afterEach(() => server.stop());

describe("the list of nodes", () => {
  test.each([undefined, "application/json", "text/html;q=0.5, application/json"])(
    "is JSON for Accept %j",
    async (accept) => {
      const reply = await ask(server, "/", accept === undefined ? {} : { headers: { accept } });
      expect(reply.headers["content-type"]).toBe("application/json");
      expect(JSON.parse(reply.text)).toEqual({ "Node 1": "/node-1", "<b>&\"'": "/b" });
    },
  );

  test.each(["text/html", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8"])(
    "is HTML for Accept %j, names escaped",
    async (accept) => {
      const reply = await ask(server, "/", { headers: { accept } });
      expect(reply.headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(reply.text).toContain('<a href="/node-1">Node 1</a>');
      expect(reply.text).toContain('<a href="/b">&lt;b&gt;&amp;&quot;&#39;</a>');
      expect(reply.text).not.toContain("<b>");
    },
  );

  test("says so if there are no nodes", async () => {
    nodes.length = 0;
    expect((await ask(server, "/", { headers: { accept: "text/html" } })).text).toContain(
      "There are no connected nodes yet.",
    );
    expect((await ask(server, "/")).text).toBe("{}");
  });

  test("includes nodes whose names are properties of all objects", async () => {
    nodes.splice(0, 2, viewedNode("__proto__", "proto"), viewedNode("constructor", "constructor"));
    expect((await ask(server, "/")).text).toBe('{"__proto__":"/proto","constructor":"/constructor"}');
  });
});

describe("the exposition of a node", () => {
  test.each<[string | undefined, string]>([
    [undefined, openMetrics],
    ["application/openmetrics-text", openMetrics],
    ["text/plain", plainText],
    ["*/*", plainText],
    ["image/png", plainText],
    ['\u00ff/;;q=,,="', openMetrics],
  ])("for Accept %j has type %s", async (accept, type) => {
    const reply = await ask(server, "/node-1", accept === undefined ? {} : { headers: { accept } });
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe(type);
    expect(reply.text).toContain("\na_int 1\n");
    expect(reply.text).toMatch(/# EOF\n$/);
  });

  test.each(["/node-1/metrics", "/node%2D1", "/%6eode-1/metric%73", "/node-1/"])(
    "is served under %s",
    async (path) => {
      expect((await ask(server, path)).text).toBe((await ask(server, "/node-1")).text);
    },
  );

  test("is right in either format, whichever was requested within the same second", async () => {
    const text = { accept: "text/plain", timestamp: "counter", own: "as text", type: plainText };
    const open = { accept: openMetrics, timestamp: "unknown", own: "as openmetrics", type: openMetrics };
    for (const { accept, timestamp, own, type } of [text, open, open, text, text, open]) {
      for (const path of ["/node-1", "/metrics"]) {
        const reply = await ask(server, path, { headers: { accept } });
        expect(reply.headers["content-type"]).toBe(type);
        expect(reply.text).toContain(`# TYPE ekg_server_timestamp_ms ${timestamp}\n`);
      }
      expect((await ask(server, "/metrics/self", { headers: { accept } })).text).toContain(own);
    }
  });

  test("is right in either format for simultaneous requests", async () => {
    await server.stop();
    let asked = 0;
    server = await open({
      self: async (format) => {
        asked += 1;
        while (asked < 2) await new Promise(setImmediate);
        return { contentType: "text/plain", body: `own metrics as ${format}` };
      },
    });
    const paths = ["/node-1", "/metrics", "/metrics/self"];
    const wanted = [...paths, ...paths].map((path, i) => ({
      path,
      accept: i < 3 ? "text/plain" : openMetrics,
    }));
    const replies = await Promise.all(
      wanted.map(({ path, accept }) => ask(server, path, { headers: { accept } })),
    );
    expect(
      replies.map(({ text }) => /timestamp_ms (counter|unknown)|as (text|openmetrics)/.exec(text)?.[0]),
    ).toEqual([
      "timestamp_ms counter",
      "timestamp_ms counter",
      "as text",
      "timestamp_ms unknown",
      "timestamp_ms unknown",
      "as openmetrics",
    ]);
  });

  test("is the same when compressed", async () => {
    const plain = await ask(server, "/node-1");
    const packed = await ask(server, "/node-1", { headers: { "accept-encoding": "gzip" } });
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(packed.text).toBe(plain.text);
    expect(packed.headers.vary).toBe("Accept, Accept-Encoding");
  });

  test("shows a new value at once", async () => {
    await ask(server, "/node-1");
    give(nodes[0]!.metrics, [["a.int", { kind: "gauge", value: 7n }]], { whole: false, nowMs: 5 });
    expect((await ask(server, "/node-1")).text).toContain("\na_int 7\n");
  });

  test("belongs to the node that now has the name", async () => {
    await ask(server, "/node-1");
    nodes[0] = viewedNode("Node 1", "node-1", [["a.int", "g", 9n]]);
    expect((await ask(server, "/node-1")).text).toContain("\na_int 9\n");
  });

  test("omits suffixes and shows help if so configured", async () => {
    await server.stop();
    server = await open({ metricsNoSuffix: true, metricsHelp: { "a.int": "An a." } });
    expect((await ask(server, "/node-1")).text).toContain("# HELP a An a.\n# TYPE a gauge\na 1\n");
  });
});

test("/metrics holds all nodes with their names as labels", async () => {
  const { text } = await ask(server, "/metrics");
  expect(text).toContain('a_int{node_name="Node 1"} 1\na_int{node_name="<b>&\\"\'"} 2\n');
});

test("colliding names are reported after an exposition", async () => {
  await server.stop();
  const told: number[] = [];
  nodes.push(
    viewedNode("c", "c", [
      ["x.y", "g", 1n],
      ["x-y", "g", 2n],
    ]),
  );
  server = await open({ onCollided: (names) => told.push(names) });
  await ask(server, "/metrics");
  await ask(server, "/node-1");
  expect(told).toEqual([1, 0]);
});

test("the daemon's own metrics come in the requested format", async () => {
  expect((await ask(server, "/metrics/self")).text).toBe("own metrics as openmetrics\n");
  const reply = await ask(server, "/metrics/self", { headers: { accept: "text/plain" } });
  expect(reply.text).toBe("own metrics as text\n");
  expect(reply.headers["content-type"]).toBe("text/plain");
});

test("the health pages are served even if no other request has a place", async () => {
  await server.stop();
  server = await open({ limits: { maxConnections: 0, reservedConnections: 1 } });
  for (const path of ["/livez", "/readyz", "/healthz"]) expect((await ask(server, path)).status).toBe(200);
  for (const path of ["/", "/metrics", "/node-1"]) expect((await ask(server, path)).status).toBe(503);
});

test("the health pages are also served here", async () => {
  await server.stop();
  server = await open({ health: health({ ready: { ...healthy, status: "failing" } }) });
  expect((await ask(server, "/readyz")).status).toBe(503);
  expect((await ask(server, "/livez")).status).toBe(200);
  expect((await ask(server, "/healthz")).status).toBe(200);
});

test.each(["/nobody", "/metrics/other", "/Node-1", "/node-1/x", "/..%2f", "/constructor"])(
  "%s is not found",
  async (path) => {
    const reply = await ask(server, path);
    expect(reply.status).toBe(404);
    expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(reply.text).toBe(`Not found: ${path}\n`);
  },
);

test("an unknown path is echoed only in part", async () => {
  expect((await ask(server, `/${"x".repeat(5_000)}`)).text.length).toBeLessThan(250);
});

describe("service discovery", () => {
  const target = (host: string) => ({
    targets: [host],
    labels: { __metrics_path__: "/node-1", node_name: "Node 1" },
  });
  const discover = async (headers: Record<string, string>) => {
    const reply = await ask(server, "/targets", { headers });
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe("application/json");
    return JSON.parse(reply.text)[0];
  };

  test.each([
    ["tracer.example:12798", "tracer.example:12798"],
    ["10.0.0.7", "10.0.0.7"],
    ["[::1]:12798", "[::1]:12798"],
    ["my_host:1", "my_host:1"],
  ])("names the host %s as the client does", async (host, named) => {
    expect(await discover({ host })).toEqual(target(named));
  });

  test("names the host that the proxy was asked for", async () => {
    expect(await discover({ host: "inner:1", "x-forwarded-host": "outer.example:443, inner" })).toEqual(
      target("outer.example:443"),
    );
  });

  test.each(['evil"host', "a b", "<script>", "host:port", "user@host", "a/b", ""])(
    "names the address that was reached if the host is %j",
    async (host) => {
      expect(await discover({ host, "x-forwarded-host": host })).toEqual(
        target(`127.0.0.1:${server.address.port}`),
      );
    },
  );

  test.each(["application/json", "*/*", "application/*", "text/html, */*;q=0.1", "???"])(
    "is served for Accept %j",
    async (accept) => {
      expect(await discover({ accept, host: "h:1" })).toEqual(target("h:1"));
    },
  );

  test.each(["text/html", "application/json;q=0", "text/*, application/xml"])(
    "is refused with 415 for Accept %j",
    async (accept) => {
      expect((await ask(server, "/targets", { headers: { accept } })).status).toBe(415);
    },
  );

  test("adds the configured labels, which do not replace Muninn's own", async () => {
    await server.stop();
    server = await open({
      prometheusLabels: { network: "mainnet", node_name: "no", __metrics_path__: "/no" },
    });
    expect((await discover({ host: "h:1" })).labels).toEqual({
      network: "mainnet",
      __metrics_path__: "/node-1",
      node_name: "Node 1",
    });
  });

  test.each<[string, Partial<PrometheusOptions>, Record<string, string>, Record<string, string>]>([
    ["nothing more by default", {}, {}, {}],
    ["https if it uses TLS", { isSecure: true }, {}, { __scheme__: "https" }],
    [
      "https if the first proxy uses TLS",
      {},
      { "x-forwarded-proto": "https, http" },
      { __scheme__: "https" },
    ],
    ["nothing more if it does not", {}, { "x-forwarded-proto": "http" }, {}],
    ["the node as instance if so configured", { instanceLabel: true }, {}, { instance: "Node 1" }],
    [
      "ours rather than configured ones",
      { instanceLabel: true, isSecure: true, prometheusLabels: { instance: "no", __scheme__: "http" } },
      {},
      { instance: "Node 1", __scheme__: "https" },
    ],
  ])("labels a target with %s", async (_, options, headers, labels) => {
    await server.stop();
    server = await open(options);
    expect((await discover({ host: "h:1", ...headers })).labels).toEqual({
      __metrics_path__: "/node-1",
      node_name: "Node 1",
      ...labels,
    });
  });

  test("is an empty list without nodes", async () => {
    nodes.length = 0;
    expect((await ask(server, "/targets")).text).toBe("[]");
  });
});
