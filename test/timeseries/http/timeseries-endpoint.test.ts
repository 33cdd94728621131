import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EndpointOptions } from "../../../src/http/endpoint-options.js";
import type { EndpointServer } from "../../../src/http/endpoint-server.js";
import { NodeMetrics } from "../../../src/metrics/node/node-metrics.js";
import type { AskableNode } from "../../../src/timeseries/http/node-routes.js";
import { openTimeseriesEndpoint } from "../../../src/timeseries/http/timeseries-endpoint.js";
import { Timeseries } from "../../../src/timeseries/timeseries.js";

const anyPort = { host: "127.0.0.1", port: 0, forceSsl: false };

const observer = { refused: () => {}, loaded: () => {}, saveFailed: () => {}, saveRecovered: () => {} };

let timeseries: Timeseries;
let server: EndpointServer;
let nodes: AskableNode[];

beforeEach(async () => {
  nodes = [];
  timeseries = await Timeseries.open(
    {
      maxBytes: 2 ** 24,
      minIntervalMs: 1_000,
      retentionMs: 86_400_000,
      queryTimeoutMs: 10_000,
      queryBytes: 2 ** 26,
    },
    observer,
  );
  server = await opened();
});

afterEach(async () => {
  await server.stop();
  await timeseries.stop();
});

function opened(options: Partial<EndpointOptions> = {}): Promise<EndpointServer> {
  return openTimeseriesEndpoint({
    endpoint: anyPort,
    field: "hasTimeseries",
    timeseries,
    nodes: { nodes: () => nodes, bySlug: (slug) => nodes.find(({ node }) => node.slug === slug) },
    leastRetentionMs: 1_000,
    ...options,
  });
}

/** A connected node with these data points. */
function nodeWith(points: Readonly<Record<string, unknown>>): AskableNode {
  return {
    node: { connectionId: "unix-1", name: "Relay_1", directory: "Relay_1", slug: "relay-1" },
    session: {
      dataPoints: async (names) =>
        new Map(
          names.map((name) => [name, name in points ? Buffer.from(JSON.stringify(points[name])) : undefined]),
        ),
    },
  };
}

function observe(node: string, time: number, value: number, metric = "blockNum_int"): void {
  const metrics = new NodeMetrics({ maxBytes: 1_000_000 });
  metrics.answered({ whole: true, nowMs: time });
  metrics.number(`cardano.node.metrics.${metric}`, "gauge", value);
  timeseries.observe(node, metrics, time);
}

interface Asked {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

async function asked(path: string, options: RequestInit = {}): Promise<Asked> {
  const { host, port } = server.address;
  const response = await fetch(`http://${host}:${port}${path}`, options);
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

function post(path: string, body?: string): Promise<Asked> {
  return asked(path, { method: "POST", ...(body !== undefined && { body }) });
}

const empty = (status: number) => ({ status, text: "" });
const success = (data: unknown) => ({ status: "success", data });

describe("queries", () => {
  test("are answered by POST with a form and a time", async () => {
    observe("relay-1", 1_771_234_560_000, 13_012_345);
    const { status, type, text } = await post(
      "/timeseries/query",
      "query=cardano_node_metrics_blockNum_int%20now&time=1771234567.5",
    );
    expect({ status, type }).toEqual({ status: 200, type: "application/json" });
    expect(JSON.parse(text)).toEqual(
      success({
        resultType: "vector",
        result: [{ metric: { node_name: "relay-1" }, value: [1_771_234_567.5, "13012345.0"] }],
      }),
    );
  });

  test("are answered by GET, over a range: nodes descending, points ascending", async () => {
    observe("relay-1", 1_771_234_015_000, 7);
    observe("relay-2", 1_771_234_000_000, 1);
    observe("relay-2", 1_771_234_030_000, 2);
    const query = "cardano_node_metrics_blockNum_int[epoch + 1771234000000ms; epoch + 1771234030000ms : 15s]";
    const { text } = await asked(`/timeseries/query?query=${encodeURIComponent(query)}`);
    expect(text).toBe(
      '{"status":"success","data":{"resultType":"matrix","result":[' +
        '{"metric":{"node_name":"relay-2"},"values":[[1771234000,"1.0"],[1771234015,"1.0"],[1771234030,"2.0"]]},' +
        '{"metric":{"node_name":"relay-1"},"values":[[1771234015,"7.0"],[1771234030,"7.0"]]}]}}',
    );
  });

  test.each([
    ["42", { resultType: "scalar", result: 42 }],
    ["0 / 0", { resultType: "scalar", result: null }],
    ["1 / 0", { resultType: "scalar", result: "+inf" }],
    ["-1 / 0", { resultType: "scalar", result: "-inf" }],
    ["1 < 2", { resultType: "truth" }],
    ["2 < 1", { resultType: "falsity" }],
    ["()", { resultType: "unit" }],
    ["1500ms", { resultType: "duration", result: 1.5 }],
    ["epoch + 2500ms", { resultType: "timestamp", result: 2.5 }],
    ["now", { resultType: "timestamp", result: 1_771_234_567.5 }],
    ['"a\\b"', { resultType: "text", result: "a\\b" }],
    [
      '(1, "b")',
      {
        resultType: "pair",
        fst: { resultType: "scalar", result: 1 },
        snd: { resultType: "text", result: "b" },
      },
    ],
    ["\\x -> x", { resultType: "function" }],
    ["cardano_node_metrics_blockNum_int", { resultType: "function" }],
    [
      "metrics",
      {
        resultType: "cons",
        head: { resultType: "text", result: "cardano_node_metrics_blockNum_int" },
        tail: { resultType: "nil" },
      },
    ],
  ])("%s has the JSON of its type", async (query, data) => {
    observe("n1", 1_771_234_560_000, 1);
    const { text } = await post("/timeseries/query", `query=${encodeURIComponent(query)}&time=1771234567.5`);
    expect(JSON.parse(text)).toEqual(success(data));
  });

  test.each([
    ["x", "42.0"],
    ["x / 42000", "0.001"],
    ["0.0000001234", "0.0000001234"],
    ["100000000000000000000", "100000000000000000000.0"],
    ["-1.5e30", "-1500000000000000000000000000000.0"],
    ["0 / 0", "NaN"],
    ["1 / 0", "Infinity"],
    ["-1 / 0", "-Infinity"],
    ["x > 1", "true"],
    ["(1, x)", "(1.0, 42.0)"],
    ["5s", "5000ms"],
    ["epoch + 5s", "5000"],
    ['"a"', '"a"'],
    ["()", "()"],
  ])("give %s inside a vector as %s", async (expression, text) => {
    observe("n1", 1_771_234_560_000, 42);
    const query = `map (\\x -> ${expression}) (cardano_node_metrics_blockNum_int now)`;
    const answer = await post("/timeseries/query", `query=${encodeURIComponent(query)}&time=1771234567.5`);
    expect(JSON.parse(answer.text).data.result[0].value).toEqual([1_771_234_567.5, text]);
  });

  test.each([
    ["query=", "parse", "While executing, parsing error: input:1:1:"],
    ["query=1%20%2B%20true", "bad_data", "While executing, elaboration error: "],
    ["query=epoch%20-%201s", "execution", "While executing, interpretation error: "],
  ])("%s fails with its type and text", async (form, errorType, beginning) => {
    const { status, type, text } = await post("/timeseries/query", form);
    expect({ status, type }).toEqual({ status: 400, type: "application/json" });
    const answer = JSON.parse(text);
    expect(answer).toMatchObject({ status: "error", errorType });
    expect(answer.error.slice(0, beginning.length)).toBe(beginning);
  });

  test.each([
    ["POST", ""],
    ["POST", "query"],
    ["POST", "time=1"],
    ["GET", undefined],
  ])("%s of %j is malformed", async (method, body) => {
    const answer = await asked("/timeseries/query", { method, ...(body !== undefined && { body }) });
    expect(answer).toEqual({
      status: 400,
      type: "text/plain;charset=utf-8",
      text: "Malformed input",
    });
  });

  test("separate parameters only by &, use the first of several, and ignore an invalid time", async () => {
    const body = "query=let+x+%3D+1+in+x;&query=2";
    expect(JSON.parse((await post("/timeseries/query", body)).text).errorType).toBe("parse");
    const answer = await post("/timeseries/query", "query=1%2B1&query=5&time=soon");
    expect(JSON.parse(answer.text)).toEqual(success({ resultType: "scalar", result: 2 }));
    const later = JSON.parse((await post("/timeseries/query", "query=now&time=soon")).text);
    expect(Math.abs(later.data.result - Date.now() / 1_000)).toBeLessThan(60);
    expect(JSON.parse((await post("/timeseries/query", "query=now&time=%2B1.5e3")).text).data.result).toBe(
      1_500,
    );
  });
});

describe("requests from Grafana's data source", () => {
  test("get status 400 for its health check, an empty query", async () => {
    expect((await post("/timeseries/query", "query=")).status).toBe(400);
  });

  test("get the range and interval of the screen for each panel of its dashboard", async () => {
    const now = Date.now();
    for (let n = 20; n >= 0; n -= 1) observe("Relay_1", now - n * 15_000, 1_000 - n, "Mem_resident_int");
    const query = `cardano_node_metrics_Mem_resident_int[epoch + ${now - 300_000}ms; epoch + ${now}ms : 15s]`;
    const answer = await asked("/timeseries/query", {
      method: "POST",
      body: new URLSearchParams({ query }),
    });
    const { resultType, result } = JSON.parse(answer.text).data;
    expect(resultType).toBe("matrix");
    expect(result[0].metric).toEqual({ node_name: "Relay_1" });
    expect(result[0].values.at(-1)).toEqual([now / 1_000, "1000.0"]);
    expect(result[0].values).toHaveLength(21);
  });

  test("get its list of nodes, and the three pages of a node", async () => {
    const begun = new Date(Date.now() - 60_000).toISOString();
    const info = {
      niName: "Relay 1",
      niProtocol: "Shelley",
      niVersion: "10.5",
      niCommit: "abc",
      niStartTime: begun,
    };
    nodes = [
      nodeWith({
        NodeInfo: { ...info, niSystemStartTime: begun },
        NodeStartupInfo: { suiEra: "Conway", suiSlotLength: 1 },
        NodeAddBlock: { tag: "NodeAddBlock", contents: [500, 1_234, 99.87] },
      }),
    ];
    expect(await asked("/timeseries/nodes")).toEqual({
      status: 200,
      type: "application/json",
      text: '[{"nodeName":"Relay_1","slug":"relay-1"}]',
    });
    const answer = JSON.parse((await asked("/timeseries/node/relay-1/info")).text);
    expect(answer).toMatchObject(info);
    expect(answer.uptimeSeconds).toBeGreaterThanOrEqual(60);
    expect(Number.isInteger(answer.uptimeSeconds)).toBe(true);
    expect(JSON.parse((await asked("/timeseries/node/relay-1/startup")).text)).toEqual({
      suiEra: "Conway",
      suiSlotLength: 1,
    });
    expect((await asked("/timeseries/node/relay-1/sync-progress")).text).toBe('{"syncProgress":99.87}');
  });

  test("get an empty 404 for an unknown node or a missing data point", async () => {
    nodes = [nodeWith({})];
    for (const page of [
      "relay-1/info",
      "relay-1/startup",
      "relay-1/sync-progress",
      "none/info",
      "relay-1/other",
    ]) {
      expect(await asked(`/timeseries/node/${page}`)).toMatchObject(empty(404));
    }
  });
});

describe("configuration until the next start", () => {
  test.each([
    ["retention", "retentionMillis", 86_400_000],
    ["pruning", "pruningPeriodMillis", 900_000],
  ])("%s is the last value given", async (name, key, initial) => {
    const path = `/timeseries/config/${name}`;
    expect((await asked(path)).text).toBe(JSON.stringify({ [key]: initial }));
    for (const [given, milliseconds] of [
      ["hours=2", 7_200_000],
      ["minutes=5", 300_000],
      ["seconds=90", 90_000],
      ["milliseconds=1500", 1_500],
      ["days=3", 259_200_000],
      ["weeks=1&hours=x&minutes=7&days=1", 420_000],
    ] as const) {
      expect(await post(`${path}?${given}`)).toMatchObject(empty(200));
      expect((await asked(path)).text).toBe(JSON.stringify({ [key]: milliseconds }));
    }
  });

  test("a retention shorter than the pause between two answers is refused, and a missing one gives 404", async () => {
    const path = "/timeseries/config/retention";
    expect(await post(`${path}?milliseconds=10`)).toMatchObject({ status: 400, text: "Malformed input" });
    expect(await post(`${path}?milliseconds=1000`)).toMatchObject(empty(200));
    expect(await post(path)).toMatchObject(empty(404));
    expect(await post(`${path}?hours=-1`)).toMatchObject(empty(404));
    expect(await post(path, "hours=1")).toMatchObject(empty(404));
    expect(timeseries.pruning.retentionMs).toBe(1_000);
  });

  test("automatic pruning ends if no duration is given, and a zero pause is refused", async () => {
    const path = "/timeseries/config/pruning";
    expect(await post(`${path}?seconds=0`)).toMatchObject({ status: 400, text: "Malformed input" });
    expect(await post(path)).toMatchObject(empty(200));
    expect((await asked(path)).text).toBe('{"pruningPeriodMillis":null}');
    await post(`${path}?minutes=5`);
    expect((await asked(path)).text).toBe('{"pruningPeriodMillis":300000}');
    await post(`${path}?minutes=x`);
    expect((await asked(path)).text).toBe('{"pruningPeriodMillis":null}');
  });

  test("a new retention prunes at once, and so does a request to prune", async () => {
    const now = Date.now();
    observe("a", now - 3_000_000, 1, "old");
    observe("a", now, 1, "new");
    expect(timeseries.stats().points).toBe(2);
    await post("/timeseries/prune");
    expect(timeseries.stats().points).toBe(2);
    await post("/timeseries/config/retention?minutes=10");
    expect(timeseries.stats().points).toBe(1);
    expect(timeseries.metrics()).toContain("cardano_node_metrics_old");
    expect(await post("/timeseries/prune")).toMatchObject(empty(200));
  });
});

describe("the endpoint", () => {
  test.each([
    ["PUT", "/timeseries/query"],
    ["DELETE", "/timeseries/query?query=1"],
    ["GET", "/timeseries/prune"],
    ["POST", "/timeseries/nodes"],
    ["POST", "/"],
    ["GET", "/timeseries"],
    ["GET", "/timeseries/node"],
    ["GET", "/elsewhere"],
  ])("%s %s is an empty 404", async (method, path) => {
    expect(await asked(path, { method })).toMatchObject(empty(404));
  });

  test("the page has three examples, all of which are answered, with existing metrics", async () => {
    const now = Date.now();
    for (const metric of ["blockNum_int", "Mem_resident_int", "txsProcessedNum_counter"])
      observe("a", now, 1, metric);
    const { status, text } = await asked("/", { headers: { accept: "text/html" } });
    expect(status).toBe(200);
    const links = [...text.matchAll(/href="(\/timeseries\/query\?query=[^"]+)"/g)].map(([, link]) => link!);
    expect(links).toHaveLength(4);
    for (const link of links) {
      const { data } = JSON.parse((await asked(link)).text);
      expect(data.result ?? data.head, link).not.toEqual([]);
    }
  });

  test("a form on a page of another site changes nothing", async () => {
    const head = "POST /timeseries/config/retention?seconds=1 HTTP/1.1\r\nHost: a\r\n";
    const answer = await rawRequest(`${head}Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n`);
    expect(answer).toContain(" 403 ");
    expect(timeseries.pruning.retentionMs).toBe(86_400_000);
  });

  test("the endpoint asks for the credentials of muninn.auth.timeseries, for every method", async () => {
    await server.stop();
    server = await opened({ auth: { bearerToken: "let-me-in" } });
    expect((await post("/timeseries/query", "query=1")).status).toBe(401);
    expect((await post("/timeseries/config/retention?hours=2")).status).toBe(401);
    const headers = { authorization: "Bearer let-me-in" };
    const answer = await asked("/timeseries/query", { method: "POST", body: "query=1", headers });
    expect(answer.status).toBe(200);
  });

  test("several requests with bodies on one connection are answered, however they arrive", async () => {
    const request = (query: string) =>
      `POST /timeseries/query HTTP/1.1\r\nHost: a\r\nContent-Length: ${query.length + 6}\r\n\r\nquery=${query}`;
    const text = `${request("1")}${request("22")}${request("333")}`;
    for (const cut of [1, 7, 60, text.length]) {
      const pieces = text.match(new RegExp(`[\\s\\S]{1,${cut}}`, "g"))!;
      const answer = await rawRequest(pieces, 3);
      expect([...answer.matchAll(/"result":(\d+)/g)].map(([, result]) => result)).toEqual(["1", "22", "333"]);
    }
  });

  /** A query that takes longer the more nodes there are; `part` does something with its connection meanwhile. */
  async function withLongQuery(count: number, part: (socket: Socket) => void): Promise<Socket> {
    for (let node = 0; node < count; node += 1) observe(`n${node}`, Date.now() - 3_700_000, 1);
    const query = "(\\t -> (cardano_node_metrics_blockNum_int t) > 100)[now - 1h; now : 500ms]";
    const body = `query=${encodeURIComponent(query)}`;
    const { host, port } = server.address;
    const socket = connect({ host, port, allowHalfOpen: true });
    socket.write(
      `POST /timeseries/query HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await pause(100);
    part(socket);
    return socket;
  }
  const failed = () => timeseries.stats().queries.get("execution");

  test("the query of a client that has closed its connection ends", async () => {
    await withLongQuery(2_000, (socket) => socket.destroy());
    await expect.poll(failed, { timeout: 5_000 }).toBe(1);
  });

  test("a client that has closed its side only, and reads, still gets its answer", async () => {
    const socket = await withLongQuery(600, (socket) => socket.end());
    let received = "";
    for await (const chunk of socket) received += chunk;
    expect(received).toMatch(/^HTTP\/1.1 102 Processing\r\n/);
    expect(received).toMatch(/HTTP\/1.1 (200|400) /);
  }, 20_000);

  test.each([
    ["longer than is allowed", "Content-Length: 300000\r\n\r\n", 413],
    ["without a length", "Transfer-Encoding: chunked\r\n\r\n7\r\nquery=1\r\n0\r\n\r\n", 411],
  ])("a body %s is refused", async (_, rest, status) => {
    const answer = await rawRequest(`POST /timeseries/query HTTP/1.1\r\nHost: a\r\n${rest}`);
    expect(answer).toContain(` ${status} `);
  });
});

/** The answers to these bytes, until the connection is closed or this many have arrived. */
function rawRequest(pieces: string | readonly string[], answers = 1): Promise<string> {
  const { host, port } = server.address;
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ host, port }, () => {
      for (const piece of [pieces].flat()) socket.write(piece);
    });
    socket.on("data", (chunk) => {
      received += chunk.toString();
      if (received.split("HTTP/1.1 ").length > answers && /\r\n\r\n[\s\S]*\S\s*$/.test(received))
        socket.end();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}
