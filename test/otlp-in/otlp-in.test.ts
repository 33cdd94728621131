import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { type ConfigFields, startTracer, type TestTracer } from "../../src/testing/entry.js";
import { slowSink } from "./slow-sink.js";

let tracers: TestTracer[] = [];
afterEach(async () => {
  await Promise.all(tracers.map((tracer) => tracer[Symbol.asyncDispose]()));
  tracers = [];
});

async function tracerWith(
  muninn: object = {},
  config: ConfigFields = {},
  options: Parameters<typeof startTracer>[0] = {},
): Promise<TestTracer> {
  const otlp = { host: "127.0.0.1", port: 0 };
  const tracer = await startTracer({ ...options, config: { ...config, muninn: { otlp, ...muninn } } });
  tracers.push(tracer);
  return tracer;
}

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const service = (name: string, ...others: object[]) => ({
  attributes: [attribute("service.name", name), ...others],
});
const logs = (resource: object, ...logRecords: object[]) => ({
  resourceLogs: [{ resource, scopeLogs: [{ scope: { name: "Shop" }, logRecords }] }],
});

interface PostOptions {
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

function post(tracer: TestTracer, body: unknown, { path = "/v1/logs", headers = {} }: PostOptions = {}) {
  return fetch(`http://${tracer.served.get("otlp")}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body),
  });
}

async function linesOf(tracer: TestTracer, node: string): Promise<Record<string, unknown>[]> {
  return (await tracer.linesOf(node)).map((line) => JSON.parse(line));
}

test("records are in the node's file, whole and in order, when the request is answered", async () => {
  const tracer = await tracerWith();
  const records = Array.from({ length: 500 }, (_, n) => ({
    timeUnixNano: "1771234201120000001",
    severityNumber: 13,
    body: { stringValue: `only ${n} left` },
    attributes: [
      { key: "n", value: { intValue: String(n) } },
      { key: "thread.id", value: { intValue: 7 } },
    ],
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
  }));
  const answer = await post(tracer, logs(service("shop", attribute("host.name", "web-1")), ...records));
  expect([answer.status, await answer.json()]).toEqual([200, {}]);
  const lines = await linesOf(tracer, "shop");
  expect(lines).toHaveLength(500);
  expect(lines[3]).toEqual({
    at: "2026-02-16T09:30:01.120000001Z",
    ns: "Shop",
    data: {
      body: "only 3 left",
      attributes: { n: 3, "thread.id": 7 },
      traceId: "5b8efff798038103d269b633813fc60c",
      spanId: "eee19b7ec3c1b174",
    },
    sev: "Warning",
    thread: "7",
    host: "web-1",
  });
  expect(lines.map(({ data }) => (data as { attributes: { n: number } }).attributes.n)).toEqual(
    records.map((_, n) => n),
  );
});

test("each service and instance is a node of its own, by the rules for names", async () => {
  const tracer = await tracerWith();
  const record = { body: { stringValue: "hello" } };
  const instance = (id: string) => attribute("service.instance.id", id);
  const namespace = attribute("service.namespace", "other");
  for (const resource of [
    service("shop"),
    service("shop", instance("1")),
    service("../etc"),
    service("shop", namespace),
    {},
    service("shop"),
    service("bakery", instance("0c878c34-bc0e-4b71-be92-d599b4a11bc8")),
  ])
    expect((await post(tracer, logs(resource, record))).status).toBe(200);
  expect(await tracer.linesOf("shop")).toHaveLength(2);
  expect(await tracer.linesOf("shop-1")).toHaveLength(1);
  expect(await tracer.linesOf("etc")).toHaveLength(1);
  expect(await tracer.linesOf("unknown_service")).toHaveLength(1);
  // Another service of the same name is not mixed into the first.
  expect(await tracer.linesOf("shop_otlp-4")).toHaveLength(1);
  // SDKs invent such an instance at each start.
  expect(await tracer.linesOf("bakery")).toHaveLength(1);
  expect(tracer.accounts()).toEqual({ received: 7, written: 7, dropped: 0 });
});

test.each([
  ["another path", "{}", { path: "/v1/traces" }, 404],
  ["another type", "{}", { headers: { "content-type": "text/plain" } }, 415],
  ["another encoding", "{}", { headers: { "content-encoding": "br" } }, 415],
  ["bytes that are not gzip", "{}", { headers: { "content-encoding": "gzip" } }, 400],
  ["no JSON", "{", {}, 400],
  ["JSON of another shape", '{"resourceLogs":3}', {}, 400],
  ["an invalid number", '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"x"}]}]}]}', {}, 400],
  ["bytes that are not protobuf", "garbage", { headers: { "content-type": "application/x-protobuf" } }, 400],
  ["a body that is too large", Buffer.alloc(21 * 2 ** 20, " "), {}, 413],
  [
    "a small body that decompresses to a huge one",
    gzipSync(Buffer.alloc(21 * 2 ** 20)),
    { headers: { "content-encoding": "gzip" } },
    413,
  ],
])("%s is refused, and nothing is stored", async (_, body, options, status) => {
  const tracer = await tracerWith();
  const answer = await post(tracer, body, options).catch((error: Error) => error);
  // A client that is still sending may see its connection closed instead.
  if (!(answer instanceof Error)) expect(answer.status).toBe(status);
  expect(tracer.accounts().received).toBe(0);
  expect((await post(tracer, logs(service("shop"), {}))).status).toBe(200);
});

test("values nested extremely deep are malformed in either encoding", async () => {
  const tracer = await tracerWith();
  const nested = '{"arrayValue":{"values":['.repeat(50_000) + "]}}".repeat(50_000);
  const answer = await post(tracer, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${nested}}]}]}]}`);
  expect(answer.status).toBe(400);
  let bomb = Buffer.alloc(0);
  for (let depth = 0; depth < 5_000; depth += 1)
    bomb = Buffer.concat([Buffer.from([10]), varint(bomb.length), bomb]);
  const protobuf = { headers: { "content-type": "application/x-protobuf" } };
  const response = await post(tracer, bomb, protobuf);
  expect([200, 400]).toContain(response.status);
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

test("an object larger than muninn.maxObjectBytes is rejected alone, and the answer says so", async () => {
  const tracer = await tracerWith({ maxObjectBytes: "2KiB" });
  const text = (length: number) => ({ body: { stringValue: "x".repeat(length) } });
  const answer = await post(tracer, logs(service("shop"), text(10), text(5_000), text(20)));
  expect(await answer.json()).toEqual({
    partialSuccess: { rejectedLogRecords: "1", errorMessage: "1 records are larger than 2048 bytes" },
  });
  expect(await tracer.linesOf("shop")).toHaveLength(2);
});

test("a body of 15 MiB is stored whole, although the object has room for it only once", async () => {
  const tracer = await tracerWith({});
  const body = "x".repeat(15 * 1_048_576);
  const answer = await post(tracer, logs(service("shop"), { body: { stringValue: body } }));
  expect(await answer.json()).toEqual({});
  const [line] = await tracer.linesOf("shop");
  expect(JSON.parse(line!).data.body === body).toBe(true);
});

describe("muninn.auth.otlp", () => {
  test("admits clients with the token, and no others", async () => {
    const tracer = await tracerWith({ auth: { otlp: { bearerToken: "secret" } } });
    const body = logs(service("shop"), {});
    expect((await post(tracer, body)).status).toBe(401);
    expect((await post(tracer, body, { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
    expect((await post(tracer, body, { headers: { authorization: "Bearer secret" } })).status).toBe(200);
    expect(await tracer.linesOf("shop")).toHaveLength(1);
  });

  test("is required beyond this machine", async () => {
    const otlp = { host: "0.0.0.0", port: 0 };
    await expect(tracerWith({ otlp })).rejects.toThrow(
      /muninn\.otlp\.host: is 0\.0\.0\.0.*needs muninn\.auth\.otlp/,
    );
    await tracerWith({ otlp, auth: { otlp: { bearerToken: "secret" } } });
  });
});

describe("while a sink makes nothing safe", () => {
  test("no request is answered until it does", async () => {
    const { letGo, sinkKinds } = slowSink();
    const tracer = await tracerWith({}, {}, { sinkKinds });
    let status: number | undefined;
    const answered = post(tracer, logs(service("shop"), {})).then((answer) => {
      status = answer.status;
    });
    while (tracer.accounts().received === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(status).toBeUndefined();
    letGo();
    await answered;
    expect(status).toBe(200);
  });

  test("if a sink gives up, the answer asks the client to send again", async () => {
    const { letGo, sinkKinds } = slowSink();
    const tracer = await tracerWith({}, {}, { sinkKinds });
    const answered = post(tracer, logs(service("shop"), {}));
    while (tracer.accounts().received === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    letGo(new Error("broken"));
    const answer = await answered;
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  test("a client beyond muninn.maxInFlightBytes is asked to retry, and then succeeds", async () => {
    const { letGo, sinkKinds } = slowSink();
    const tracer = await tracerWith({ maxInFlightBytes: "1MiB" }, {}, { sinkKinds });
    const records = Array.from({ length: 8 }, () => ({ body: { stringValue: "x".repeat(32_768) } }));
    const answers = Array.from({ length: 6 }, (_, n) => post(tracer, logs(service(`shop${n}`), ...records)));
    const first = await Promise.race(answers);
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "1"]);
    letGo();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect((await post(tracer, logs(service("shop"), ...records))).status).toBe(200);
  });
});

test("a resource's node has the service's name at once, and is not asked for it as other nodes are", async () => {
  const tracer = await tracerWith({ nameFrom: ["hostname"] });
  expect((await post(tracer, logs(service("shop"), { body: { stringValue: "open" } }))).status).toBe(200);
  expect(await tracer.linesOf("shop")).toHaveLength(1);
});

describe("metrics", () => {
  const point = (value: object, ...attributes: object[]) => ({ attributes, ...value });
  const metrics = (...list: object[]) => ({
    resourceMetrics: [{ resource: service("shop"), scopeMetrics: [{ metrics: list }] }],
  });

  test("gauges and cumulative sums become the node's metrics, and others are rejected with a reason", async () => {
    const tracer = await tracerWith(
      {},
      { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 }, ekgRequestFreq: 1 },
    );
    const body = metrics(
      { name: "apples", gauge: { dataPoints: [point({ asInt: "3" })] } },
      { name: "load", gauge: { dataPoints: [point({ asDouble: 0.25 })] } },
      {
        name: "orders",
        sum: {
          isMonotonic: true,
          aggregationTemporality: 2,
          dataPoints: [point({ asInt: 5 }, attribute("by", "web"))],
        },
      },
      {
        name: "delta",
        sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints: [point({ asInt: 5 })] },
      },
      { name: "time", histogram: { dataPoints: [{}, {}] } },
    );
    const answer = await post(tracer, body, { path: "/v1/metrics" });
    expect(await answer.json()).toEqual({
      partialSuccess: {
        rejectedDataPoints: "3",
        errorMessage: "sums must be cumulative, not deltas; histograms are not kept, only gauges and sums",
      },
    });
    let page = "";
    while (!page.includes("orders"))
      page = await (await fetch(`http://${tracer.served.get("prometheus")}/shop`)).text();
    expect(page).toMatch(/^apples_int 3$/m);
    expect(page).toMatch(/^load_real 0\.25$/m);
    expect(page).toMatch(/^orders_by_web_counter 5$/m);
    const own = await (await fetch(`http://${tracer.served.get("prometheus")}/metrics/self`)).text();
    expect(own).toMatch(/^muninn_otlp_in_taken_total\{signal="metrics"\} 3$/m);
    expect(own).toMatch(/^muninn_otlp_in_rejected_total\{signal="metrics"\} 3$/m);
    expect(own).toMatch(/^muninn_otlp_in_answers_total\{transport="http",status="200"\} 1$/m);
    expect(own).toMatch(/^muninn_otlp_in_resources 1$/m);
  });
});

test("a node has muninn.maxMetricsPerNode metrics at most; the rest is rejected with a sentence", async () => {
  const tracer = await tracerWith({ maxMetricsPerNode: 3 });
  const list = ["a", "b", "c", "d", "e"].map((name) => ({ name, gauge: { dataPoints: [{ asInt: "1" }] } }));
  const body = { resourceMetrics: [{ resource: service("shop"), scopeMetrics: [{ metrics: list }] }] };
  const answer = await post(tracer, body, { path: "/v1/metrics" });
  expect(await answer.json()).toEqual({
    partialSuccess: { rejectedDataPoints: "2", errorMessage: "a node has 3 metrics at most" },
  });
});

test("stopping waits for what is under way", async () => {
  const { letGo, sinkKinds } = slowSink();
  const tracer = await tracerWith({}, {}, { sinkKinds });
  const answered = post(tracer, logs(service("shop"), {}));
  while (tracer.accounts().received === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const stopped = tracer.stop();
  letGo();
  expect((await answered).status).toBe(200);
  await stopped;
});

test("metrics of all resources share the memory of muninn.maxInFlightBytes; points without room are rejected and counted", async () => {
  const tracer = await tracerWith(
    { maxInFlightBytes: "2MiB" },
    { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } },
  );
  const rejected: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const list = Array.from({ length: 200 }, (_, index) => ({
      name: `${index}`.padEnd(200, "_"),
      gauge: { dataPoints: [{ asInt: "1" }] },
    }));
    const answer = await post(
      tracer,
      { resourceMetrics: [{ resource: service(`shop-${n}`), scopeMetrics: [{ metrics: list }] }] },
      { path: "/v1/metrics" },
    );
    const { partialSuccess } = (await answer.json()) as {
      partialSuccess?: { rejectedDataPoints: string; errorMessage: string };
    };
    if (partialSuccess !== undefined)
      expect(partialSuccess.errorMessage).toBe("there is no more room for metrics of all nodes");
    rejected.push(Number(partialSuccess?.rejectedDataPoints ?? 0));
  }
  expect(rejected[0]).toBe(0);
  // A quarter of it is for metrics, each of some 700 bytes: 4,000 were sent, and some 750 are kept, a few more where a
  // node's own copy comes late.
  const all = rejected.reduce((sum, count) => sum + count, 0);
  expect(all).toBeGreaterThan(3_200);
  // Whoever comes late has a share.
  expect(rejected.at(-1)).toBeLessThan(200);
  const own = await (await fetch(`http://${tracer.served.get("prometheus")}/metrics/self`)).text();
  expect(own).toContain(`muninn_otlp_in_rejected_total{signal="metrics"} ${all}\n`);
});

test("a metric whose name is too long is rejected alone", async () => {
  const tracer = await tracerWith();
  const gauge = (name: string) => ({ name, gauge: { dataPoints: [{ asInt: "1" }] } });
  const list = [gauge("n".repeat(252)), gauge("n".repeat(253))];
  const answer = await post(
    tracer,
    { resourceMetrics: [{ resource: service("shop"), scopeMetrics: [{ metrics: list }] }] },
    { path: "/v1/metrics" },
  );
  expect(await answer.json()).toEqual({
    partialSuccess: {
      rejectedDataPoints: "1",
      errorMessage: "a name with its attributes has 256 characters at most",
    },
  });
});

test("gzip with several members is decompressed completely", async () => {
  const tracer = await tracerWith();
  const json = JSON.stringify(logs(service("shop"), { body: { stringValue: "hello" } }));
  const body = Buffer.concat([gzipSync(json.slice(0, 30)), gzipSync(json.slice(30))]);
  expect((await post(tracer, body, { headers: { "content-encoding": "gzip" } })).status).toBe(200);
  expect(await tracer.linesOf("shop")).toHaveLength(1);
});
