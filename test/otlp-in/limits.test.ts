import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { InnerNode } from "../../src/inner-nodes/inner-node.js";
import { deepestValue, otlpTypes } from "../../src/otlp/definitions.js";
import { Receiver } from "../../src/otlp-in/receiver.js";
import { ResourceNodes } from "../../src/otlp-in/resource-nodes.js";
import type { Resource } from "../../src/otlp-in/schema.js";
import { startTracer, type TestTracer } from "../../src/testing/entry.js";

const types = otlpTypes({});
const otlp = { host: "127.0.0.1", port: 0 };

function post(tracer: TestTracer, body: Uint8Array | string) {
  const type = typeof body === "string" ? "application/json" : "application/x-protobuf";
  const headers = { "content-type": type };
  return fetch(`http://${tracer.served.get("otlp")}/v1/logs`, {
    method: "POST",
    headers,
    body: body as string,
  });
}

const encodings = {
  JSON: (request: object) => JSON.stringify(request),
  protobuf: (request: object) => {
    const type = types.lookupType("LogsRequest");
    return type.encode(type.fromObject(request)).finish();
  },
};

const service = (name: string) => ({ attributes: [{ key: "service.name", value: { stringValue: name } }] });
const logs = (...records: object[]) => ({
  resourceLogs: [{ resource: service("shop"), scopeLogs: [{ logRecords: records }] }],
});

/** Maps nested this deep, each in a list if `isList`. */
function nested(depth: number, isList: boolean): object {
  let value: object = { stringValue: "end" };
  for (let level = 0; level < depth; level += 1)
    value = isList ? { arrayValue: { values: [value] } } : { kvlistValue: { values: [{ key: "a", value }] } };
  return value;
}

describe.each(["JSON", "protobuf"] as const)("in %s", (encoding) => {
  test.each([true, false])(
    "values are read to the documented depth, and deeper ones are refused as malformed; lists: %s",
    async (isList) => {
      await using tracer = await startTracer({ config: { muninn: { otlp } } });
      for (const of of [
        (depth: number) => ({ body: nested(depth, isList) }),
        (depth: number) => ({ attributes: [{ key: "a", value: nested(depth, isList) }] }),
      ]) {
        const deep = await post(tracer, encodings[encoding](logs(of(deepestValue))));
        expect([deep.status, await tracer.linesOf("shop").then((lines) => lines.at(-1))]).toEqual([
          200,
          expect.stringContaining('"end"'),
        ]);
        const tooDeep = await post(tracer, encodings[encoding](logs({}, of(deepestValue + 1))));
        expect(tooDeep.status).toBe(400);
      }
      expect(tracer.accounts().received).toBe(2);
    },
  );

  test("a refused request is answered with a status in its own encoding", async () => {
    await using tracer = await startTracer({ config: { muninn: { otlp } } });
    const answer = await post(tracer, encoding === "JSON" ? "{" : Buffer.from("garbage"));
    const body = Buffer.from(await answer.arrayBuffer());
    const status =
      encoding === "JSON" ? JSON.parse(body.toString()) : types.lookupType("Status").decode(body);
    expect([answer.status, status.code]).toEqual([400, 3]);
    expect(status.message).toMatch(/^this is not an OTLP request: /);
  });
});

const client = { peer: "otlp://127.0.0.1:1", hold: () => true };
const anyNodes = {
  admits: async () => true,
  maxMetricsPerNode: 1_000,
  joinMetrics: () => ({ grow: () => true, leave: () => {} }),
};

test("a request with more resources than may be nodes at a time is accepted, part after part", async () => {
  let most = 0;
  const receiver: Receiver = new Receiver({
    maxObjectBytes: 1_000,
    ...anyNodes,
    open: () => {
      const node = {
        ended: new Promise(() => {}),
        isBusy: false,
        hasEnded: false,
        add: async () => {
          most = Math.max(most, receiver.resources);
          if (node.hasEnded) return "failed";
          node.isBusy = true;
          await new Promise((resolve) => setImmediate(resolve));
          node.isBusy = false;
          return "safe";
        },
        stop: async () => {
          node.hasEnded = true;
        },
      };
      return node as unknown as InnerNode;
    },
  });
  const resourceLogs = Array.from({ length: 2_500 }, (_, n) => ({
    resource: service(`shop-${n}`),
    scopeLogs: [{ logRecords: [{ body: { stringValue: "hello" } }] }],
  }));
  const body = Buffer.from(encodings.JSON({ resourceLogs }) as string);
  expect(await receiver.take("logs", "json", body, client)).toEqual({
    kind: "taken",
    rejected: 0,
    message: "",
  });
  expect([most, receiver.counts.taken.logs]).toEqual([1_000, 2_500]);
  await receiver.stop();
});

test("a peer may use as many new names over OTLP as over other links; the rest is rejected, counted and reported", async () => {
  await using tracer = await startTracer({ config: { muninn: { otlp } } });
  const resources = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => service(`${prefix}-${n}`));
  const record = { body: { stringValue: "hello" } };
  const point = { asInt: 1, timeUnixNano: 1 };
  const answerTo = async (path: string, request: object) => {
    const answer = await fetch(`http://${tracer.served.get("otlp")}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const { partialSuccess = {} } = (await answer.json()) as { partialSuccess?: Record<string, string> };
    return [answer.status, partialSuccess] as const;
  };
  const logsOf = (all: object[]) =>
    answerTo("/v1/logs", {
      resourceLogs: all.map((resource) => ({ resource, scopeLogs: [{ logRecords: [record] }] })),
    });
  const metricsOf = (all: object[]) =>
    answerTo("/v1/metrics", {
      resourceMetrics: all.map((resource) => ({
        resource,
        scopeMetrics: [{ metrics: [{ name: "a", gauge: { dataPoints: [point] } }] }],
      })),
    });
  expect(await logsOf(resources("first", 900))).toEqual([200, {}]);
  const [status, logsLeftOut] = await logsOf(resources("more", 300));
  expect(status).toBe(200);
  expect(logsLeftOut.errorMessage).toMatch(/records are of resources whose names were refused/);
  // A few more names are allowed each second.
  const rejected = Number(logsLeftOut.rejectedLogRecords);
  expect(rejected).toBeGreaterThan(100);
  expect(rejected).toBeLessThanOrEqual(200);
  const directories = await readdir(tracer.logRoot);
  expect(directories.filter((name) => /^(first|more)-/.test(name))).toHaveLength(1_200 - rejected);

  const [, pointsLeftOut] = await metricsOf(resources("others", 100));
  expect(pointsLeftOut.errorMessage).toMatch(/points are of resources whose names were refused/);
  expect(Number(pointsLeftOut.rejectedDataPoints)).toBeGreaterThan(50);
  // Known names are accepted.
  expect(await logsOf(resources("first", 900))).toEqual([200, {}]);
  expect(await metricsOf(resources("first", 900))).toEqual([200, {}]);
});

test("points of a node that does not get its name after all are rejected", async () => {
  const receiver = new Receiver({
    maxObjectBytes: 1_000,
    ...anyNodes,
    open: ({ name }) =>
      ({
        metrics: new Map(),
        ended: new Promise(() => {}),
        isAdmitted: Promise.resolve(name !== "stranger"),
        stop: async () => {},
      }) as unknown as InnerNode,
  });
  const gauge = { name: "a", gauge: { dataPoints: [{ asInt: 1 }, { asInt: 2 }] } };
  const resourceMetrics = ["friend", "stranger"].map((name) => ({
    resource: service(name),
    scopeMetrics: [{ metrics: [gauge] }],
  }));
  const body = Buffer.from(JSON.stringify({ resourceMetrics }));
  expect(await receiver.take("metrics", "json", body, client)).toMatchObject({ kind: "taken", rejected: 2 });
  expect(receiver.counts).toMatchObject({ taken: { metrics: 2 }, rejected: { metrics: 2 } });
  await receiver.stop();
});

describe("nodes of resources", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function opened() {
    const made: { name: string; isBusy: boolean; hasEnded: boolean }[] = [];
    const nodes = new ResourceNodes({
      ...anyNodes,
      open: ({ name }) => {
        const node = {
          ended: new Promise(() => {}),
          name,
          isBusy: false,
          hasEnded: false,
          stop: async () => {
            node.hasEnded = true;
          },
        };
        made.push(node);
        return node as unknown as InnerNode;
      },
    });
    const use = (name: string) => nodes.of(service(name) as unknown as Resource, client.peer);
    return { nodes, made, use };
  }

  test("a resource that is silent for a quarter of an hour has left, unless some of its records are not safe yet", async () => {
    const { nodes, made, use } = opened();
    await use("silent");
    await use("busy");
    await use("talking");
    made[1]!.isBusy = true;
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    await use("talking");
    await vi.advanceTimersByTimeAsync(4 * 60_000);
    expect(nodes.size).toBe(3);
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    expect(made.map(({ hasEnded }) => hasEnded)).toEqual([true, false, false]);
    expect(nodes.size).toBe(2);
    made[1]!.isBusy = false;
    await vi.advanceTimersByTimeAsync(15 * 60_000);
    expect(nodes.size).toBe(0);
    await nodes.stop();
  });

  test("of a thousand resources the one that was silent longest is replaced, but none if all are busy", async () => {
    const { nodes, made, use } = opened();
    for (let n = 0; n < 1_000; n += 1) await use(`shop-${n}`);
    await use("shop-0");
    expect(await use("another")).toBeDefined();
    expect(made.filter(({ hasEnded }) => hasEnded).map(({ name }) => name)).toEqual(["shop-1"]);
    for (const node of made) node.isBusy = true;
    expect(await use("one more")).toBe("busy");
    expect(nodes.size).toBe(1_000);
    await nodes.stop();
    expect(made.every(({ hasEnded }) => hasEnded)).toBe(true);
  });
});
