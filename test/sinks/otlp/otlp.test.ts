import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TraceObject } from "../../../src/protocol/trace-object.js";
import type { Collector } from "../../../src/sinks/otlp/collector.js";
import { Senders } from "../../../src/sinks/otlp/senders.js";
import type { SinkLog } from "../../../src/sinks/sink-kind.js";
import { eventually } from "../../../src/testing/eventually.js";
import { NumberedSource } from "../../../src/testing/numbered-source.js";
import { ScriptedSource } from "../../../src/testing/scripted-source.js";
import { simulatedNode } from "../../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../../src/testing/test-tracer.js";
import { traceObject } from "../../batches.js";
import { Workplace } from "../../end-to-end/daemon.js";
import { attributesOf, hangUp, refuse, TestCollector, take } from "./test-collector.js";

let collector: TestCollector;
let directory: string;
let open: (() => unknown)[];

beforeEach(async () => {
  collector = await TestCollector.open();
  directory = await mkdtemp(join(tmpdir(), "muninn-otlp-"));
  open = [() => collector.close()];
});
afterEach(async () => {
  for (const end of open.reverse()) await end();
  await rm(directory, { recursive: true, force: true });
});

async function tracerWith(options: object, config: object = {}): Promise<TestTracer> {
  const tracer = await startTracer({
    config: {
      hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
      ...config,
      muninn: { sinks: [{ kind: "otlp", url: collector.url, name: "a", ...options }] },
    },
  });
  open.push(() => tracer[Symbol.asyncDispose]());
  return tracer;
}

async function numbered(tracer: TestTracer, name: string, count: number): Promise<void> {
  const node = await simulatedNode({
    source: new NumberedSource({ name, count }),
    network: { mode: "connect", address: tracer.address },
  });
  open.push(() => node.stop());
}

async function scripted(tracer: TestTracer, objects: readonly TraceObject[]): Promise<void> {
  const source = new ScriptedSource({ name: "relay", objects });
  const node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  open.push(() => node.stop());
}

const own = async (tracer: TestTracer) =>
  (await fetch(`http://${tracer.served.get("prometheus")}/metrics/self`)).text();
const health = async (tracer: TestTracer) =>
  (await fetch(`http://${tracer.served.get("prometheus")}/healthz`)).text();

describe("a record", () => {
  test("carries severity, time, namespace, thread and the machine text; its resource is the node", async () => {
    const tracer = await tracerWith({
      compression: "none",
      serviceNamespace: "mainnet",
      headers: { "x-a": "1" },
    });
    const machine = '{"at":"2024-04-08T13:46:26.5169Z","data":{"kind":"K"}}';
    const fields = { machine, namespace: ["ChainDB", "Added"], severity: "Critical", host: "box-1" } as const;
    await scripted(tracer, [traceObject(fields), traceObject({ thread: "main" })]);
    await eventually(() => expect(collector.bodies).toHaveLength(2));
    const { resource, records, headers } = collector.requests[0]!;
    expect(resource).toEqual({
      "service.name": "relay",
      "service.namespace": "mainnet",
      "service.version": "10.5.1",
      "host.name": "box-1",
    });
    expect(records[0]).toMatchObject({
      time_unix_nano: "1712583986516900000",
      severity_number: 18,
      severity_text: "Critical",
      body: { string_value: machine },
    });
    expect(attributesOf(records[0]!.attributes as never)).toEqual({
      "cardano.namespace": "ChainDB.Added",
      "thread.id": "31",
    });
    expect(attributesOf(records[1]!.attributes as never)["thread.id"]).toBe("main");
    expect(headers["x-a"]).toBe("1");
    expect(headers["content-type"]).toBe("application/x-protobuf");
    expect(headers["content-encoding"]).toBeUndefined();
  });

  test("has a body of keys and values if configured, and the text if that is not JSON", async () => {
    const tracer = await tracerWith({ body: "parsed" });
    const machine = JSON.stringify({ a: 1, b: [true, null, "x"], c: { d: 1.5 } });
    await scripted(tracer, [traceObject({ machine }), traceObject({ machine: "no JSON" })]);
    await eventually(() => expect(collector.requests.flatMap(({ records }) => records)).toHaveLength(2));
    const [parsed, plain] = collector.requests.flatMap(({ records }) => records);
    expect(parsed!.body).toEqual({
      kvlist_value: {
        values: [
          { key: "a", value: { int_value: "1" } },
          { key: "b", value: { array_value: { values: [{ bool_value: true }, {}, { string_value: "x" }] } } },
          { key: "c", value: { kvlist_value: { values: [{ key: "d", value: { double_value: 1.5 } }] } } },
        ],
      },
    });
    expect(plain!.body).toEqual({ string_value: "no JSON" });
  });
});

describe.each([true, false])("required: %s", (required) => {
  test("every object of every node arrives once and in order, one request at a time for each node", async () => {
    const tracer = await tracerWith({ required, batchObjects: 40 });
    await numbered(tracer, "one", 500);
    await numbered(tracer, "two", 500);
    await eventually(() =>
      expect(tracer.accounts()).toEqual({ received: 2_000, written: 2_000, dropped: 0 }),
    );
    for (const name of ["one", "two"]) {
      const sent = collector.requests.filter(({ resource }) => resource["service.name"] === name);
      const texts = sent.flatMap(({ records }) =>
        records.map(({ body }) => (body as { string_value: string }).string_value),
      );
      expect(texts).toEqual(await tracer.linesOf(name));
      for (const { records } of sent) expect(records.length).toBeLessThanOrEqual(40);
    }
    expect(collector.mostUnderWay).toBeLessThanOrEqual(2);
  });

  test("a request answered with 503, or not at all, is sent again, and nothing is lost", async () => {
    collector.next.push(refuse(503, { "retry-after": "0" }), hangUp(), refuse(429));
    const tracer = await tracerWith({ required });
    await numbered(tracer, "relay", 100);
    await eventually(() => expect(tracer.accounts()).toEqual({ received: 200, written: 200, dropped: 0 }));
    expect(collector.bodies).toEqual(await tracer.linesOf("relay"));
    expect(await own(tracer)).toMatch(/^muninn_otlp_retries_total\{sink="otlp:a"\} 3$/m);
  });

  test("records rejected for good are counted, whatever number the collector claims", async () => {
    collector.next.push(take(3, "too old"));
    const tracer = await tracerWith({ required });
    await numbered(tracer, "relay", 10);
    await eventually(() => expect(tracer.accounts()).toEqual({ received: 20, written: 17, dropped: 3 }));
    collector.next.push(take(1_000_000));
    await numbered(tracer, "other", 10);
    await eventually(() => expect(tracer.accounts()).toEqual({ received: 40, written: 27, dropped: 13 }));
    expect(await own(tracer)).toContain('reason="rejected"} 3');
    await eventually(async () => expect(await health(tracer)).toContain("rejects log records"));
  });

  test("a request refused with 400 is not sent again", async () => {
    collector.next.push(refuse(400));
    const tracer = await tracerWith({ required });
    await numbered(tracer, "relay", 10);
    await eventually(() => expect(tracer.accounts()).toEqual({ received: 20, written: 10, dropped: 10 }));
    expect(collector.requests).toHaveLength(1);
  });

  test("a request without an answer is sent again after the timeout", async () => {
    collector.next.push(() => {});
    const tracer = await tracerWith({ required, timeout: "50ms" });
    await numbered(tracer, "relay", 5);
    await eventually(() => expect(collector.bodies).toHaveLength(5));
    expect(tracer.accounts().dropped).toBe(0);
  });
});

test("the log has one line about a collector that fails at every other request, and one that it is back", () => {
  const lines: string[] = [];
  const say = (event: string) => void lines.push(event);
  const senders = new Senders({
    collector: undefined as unknown as Collector,
    where: "a",
    version: "1",
    batchObjects: 1,
    batchBytes: 1_000,
    delayMs: 0,
    isRequired: true,
    log: { warning: say, notice: say } as unknown as SinkLog,
  });
  for (let request = 0; request < 10; request += 1) {
    senders.observer.retrying("status 503", 0);
    senders.observer.sent(1, 1);
  }
  expect(lines).toEqual(["otlp_failed", "otlp_recovered"]);
});

test("while a required collector is away, the node is not asked for more and health says so; it recovers", async () => {
  for (let index = 0; index < 4; index += 1) collector.next.push(refuse(503));
  const tracer = await tracerWith({ required: true }, { loRequestNum: 10 });
  await numbered(tracer, "relay", 20_000);
  await eventually(async () => expect(await health(tracer)).toContain("does not accept log records"));
  expect((await tracer.linesOf("relay")).length).toBeLessThan(20_000);
  await eventually(
    () => expect(tracer.accounts()).toEqual({ received: 40_000, written: 40_000, dropped: 0 }),
    {
      withinMs: 50_000,
    },
  );
});

test("while a best-effort collector is away, files continue, and the oldest queued records are dropped and counted", async () => {
  const hang = () => {};
  for (let index = 0; index < 100; index += 1) collector.next.push(hang);
  const tracer = await tracerWith({ queueBytes: "1MiB", batchObjects: 10, timeout: "1h" });
  await numbered(tracer, "relay", 20_000);
  await eventually(async () => expect(await tracer.linesOf("relay")).toHaveLength(20_000));
  await eventually(async () => {
    const text = await own(tracer);
    expect(text).toMatch(/sink="otlp:a",reason="queue-full"\} [1-9]/);
    expect(Number(/^muninn_otlp_queue_bytes\S* (\d+)/m.exec(text)?.[1])).toBeLessThanOrEqual(2 ** 20);
  });
  // The collector runs in this process, too: the queue may be full before it has seen its first request.
  await eventually(() => expect(collector.requests).toHaveLength(1));
});

test("while a required collector accepts connections and answers nothing, health says to check the collector, not the disk", async () => {
  collector.next.push(() => {});
  const health = { host: "127.0.0.1", port: 0 };
  const sinks = [{ kind: "otlp" as const, url: collector.url, name: "a", required: true }];
  const tracer = await startTracer({ config: { muninn: { health, sinks } } });
  open.push(() => tracer[Symbol.asyncDispose]());
  await scripted(tracer, [traceObject({ machine: "{}" })]);
  await eventually(async () => {
    const answer = await fetch(`http://${tracer.served.get("health")}/healthz`);
    const { checks } = (await answer.json()) as { checks: { name: string }[] };
    expect(checks.find(({ name }) => name === "sink:otlp:a")).toMatchObject({
      state: "failing",
      reason: expect.stringMatching(/^a write has not finished for \d s$/),
      action: expect.stringMatching(/^Check the collector/),
    });
  });
});

test("at a stop queued records are sent, and those that the collector does not accept are counted as stopped", async () => {
  const tracer = await tracerWith({ batchDelay: "10s" });
  await numbered(tracer, "relay", 10);
  await eventually(async () => expect(await tracer.linesOf("relay")).toHaveLength(10));
  collector.close();
  await tracer.stop();
  expect(tracer.accounts()).toEqual({ received: 20, written: 10, dropped: 10 });
});

test("headersFile is read again at a reload, and gzip is the default compression", async () => {
  await using place = await Workplace.open();
  const headersFile = join(directory, "headers");
  await writeFile(headersFile, "# secrets\nAuthorization: Bearer one\n");
  const daemon = await place.start({
    muninn: { sinks: [{ kind: "otlp", url: collector.url, headersFile }] },
  });
  const address = { kind: "unix" as const, path: place.socket };
  const source = new ScriptedSource({ name: "relay", objects: ["{}"] });
  const node = await simulatedNode({ source, network: { mode: "connect", address } });
  open.push(() => node.stop());
  await eventually(() => expect(collector.requests).toHaveLength(1));
  await writeFile(headersFile, "Authorization: Bearer two\n");
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  source.send("{}");
  await eventually(() => expect(collector.requests).toHaveLength(2));
  expect(collector.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer one",
    "Bearer two",
  ]);
  expect(collector.requests[0]!.headers["content-encoding"]).toBe("gzip");
  expect(await daemon.stop()).toBe(0);
});

test("caFile, certificateFile and certificateKeyFile are used for TLS to the collector; batchBytes bounds a request", async () => {
  const file = (name: string) => fileURLToPath(new URL(`../../http/certificates/${name}`, import.meta.url));
  const pem = (name: string) => readFileSync(file(name), "utf8");
  const [cert, key, ca] = [
    pem("server.pem") + pem("intermediate.pem"),
    pem("server-key.pem"),
    pem("root.pem"),
  ];
  const secure = await TestCollector.open({ cert, key, ca, requestCert: true, rejectUnauthorized: false });
  open.push(() => secure.close());
  const tracer = await tracerWith({
    url: secure.url,
    caFile: file("root.pem"),
    certificateFile: file("server.pem"),
    certificateKeyFile: file("server-key.pem"),
    batchBytes: "1KiB",
  });
  await scripted(
    tracer,
    Array.from({ length: 4 }, () => traceObject({ machine: "x".repeat(700) })),
  );
  await eventually(() => expect(secure.requests).toHaveLength(4));
  expect(secure.certificates).toBe(4);
});

test.each([
  ["an invalid URL", { url: "collector:4318" }, "http:// or https://"],
  ["a missing file of headers", { headersFile: "/nowhere/headers" }, "/nowhere/headers"],
])("%s is refused in one sentence", async (_, options, sentence) => {
  await expect(tracerWith(options)).rejects.toThrow(sentence);
});
