import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import { sinkKinds } from "../../../src/sinks/open-sinks.js";
import { eventually } from "../../../src/testing/eventually.js";
import { NumberedSource } from "../../../src/testing/numbered-source.js";
import { ScriptedSource } from "../../../src/testing/scripted-source.js";
import { simulatedNode } from "../../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../../src/testing/test-tracer.js";
import { traceObject } from "../../batches.js";
import { Workplace } from "../../end-to-end/daemon.js";
import { FirstObjectsSink, kindOf } from "../memory-sinks.js";

let directory: string;
let open: (() => unknown)[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-forwarding-"));
  open = [];
});
afterEach(async () => {
  for (const end of open.reverse()) await end();
  await rm(directory, { recursive: true, force: true });
});

type Options = NonNullable<Parameters<typeof startTracer>[0]>;

async function tracer(config: Options["config"], options: Options = {}): Promise<TestTracer> {
  const started = await startTracer({ ...options, ...(config !== undefined && { config }) });
  open.push(() => started[Symbol.asyncDispose]());
  return started;
}

/** A tracer that forwards everything to tracers that connect at `path`. */
function upstream(path: string, rest: Options["config"] = {}, options: object = {}): Promise<TestTracer> {
  return tracer({
    hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
    hasForwarding: [{ tag: "AcceptAt", contents: path }, null, { queueSize: 100_000, ...options }],
    ...rest,
  });
}

function downstream(path: string, rest: Options["config"] = {}, options: Options = {}): Promise<TestTracer> {
  const quick = { reconnect: { initial: "20ms", max: "100ms" }, nameTimeout: "100ms" };
  return tracer(
    { network: { tag: "ConnectTo", contents: [path] }, muninn: quick, ekgRequestFreq: 0.05, ...rest },
    options,
  );
}

async function node(to: TestTracer, name: string, count: number): Promise<void> {
  const started = await simulatedNode({
    source: new NumberedSource({ name, count }),
    network: { mode: "connect", address: to.address },
  });
  open.push(() => started.stop());
}

test("all objects of several nodes arrive downstream, each node's in order and otherwise unchanged", async () => {
  const path = join(directory, "up.sock");
  const up = await upstream(path, { muninn: { forwarding: { name: "upstream" } } });
  // Without a short nameTimeout it waits until the name is known.
  const down = await downstream(path, { muninn: { reconnect: { initial: "20ms", max: "100ms" } } });
  const names = ["relay-1", "relay-2", "producer"];
  for (const name of names) await node(up, name, 500);
  await eventually(() => expect(down.accounts()).toEqual({ received: 1_500, written: 1_500, dropped: 0 }));
  const lines = await down.linesOf("upstream");
  for (const name of names) {
    const sent = await up.linesOf(name);
    expect(sent).toHaveLength(500);
    const own = new Set(sent);
    expect(lines.filter((line) => own.has(line))).toEqual(sent);
  }
  await eventually(() => expect(up.accounts()).toEqual({ received: 3_000, written: 3_000, dropped: 0 }));
});

test("an object passes through a chain of three tracers with all eight fields unchanged, byte for byte", async () => {
  const [first, second] = [join(directory, "first.sock"), join(directory, "second.sock")];
  const up = await upstream(first);
  await downstream(first, {
    hasForwarding: [{ tag: "AcceptAt", contents: second }, null, {}],
  });
  const kept = new FirstObjectsSink(10);
  await downstream(second, {}, { sinkKinds: [...sinkKinds, kindOf(kept)] });
  const objects = [
    traceObject({ human: "for people", namespace: ["A", "B"], severity: "Alert", details: "DMaximum" }),
    traceObject({ machine: "no JSON\nat all", host: "ünï", thread: "", namespace: [] }),
    traceObject({ timestamp: { seconds: -5, picoseconds: 1 } }),
  ];
  const source = new ScriptedSource({ name: "relay", objects });
  const sending = await simulatedNode({ source, network: { mode: "connect", address: up.address } });
  open.push(() => sending.stop());
  await eventually(() => expect(kept.objects).toHaveLength(objects.length));
  expect(kept.objects.map((bytes) => Buffer.from(bytes))).toEqual(
    objects.map((object) => Buffer.from(encodeTraceObject(object))),
  );
});

test("ConnectTo: the tracer connects to several downstream tracers, and each gets everything that passes the filter", async () => {
  const [one, two] = [await tracer({}), await tracer({})];
  const contents = [one, two].map(({ address }) => (address.kind === "unix" ? address.path : ""));
  const up = await tracer({
    hasForwarding: [{ tag: "ConnectTo", contents }, [["Chain"]], { queueSize: 1_000 }],
    muninn: { forwarding: { name: "up" } },
  });
  const source = new ScriptedSource({
    name: "relay",
    objects: ["ChainDB.A", "Forge.Loop", "ChainSync.B"].map((namespace) =>
      traceObject({ machine: namespace, namespace: [namespace] }),
    ),
  });
  const sending = await simulatedNode({ source, network: { mode: "connect", address: up.address } });
  open.push(() => sending.stop());
  for (const down of [one, two])
    await eventually(async () => expect(await down.linesOf("up")).toEqual(["ChainDB.A", "ChainSync.B"]));
});

test("without a downstream tracer, files lose nothing, the queue keeps its limit, and every drop is counted and shown", async () => {
  const path = join(directory, "up.sock");
  const up = await upstream(path, {}, { queueSize: 192 });
  await node(up, "relay", 10_000);
  await eventually(async () => expect(await up.linesOf("relay")).toHaveLength(10_000));
  await eventually(() =>
    expect(up.accounts()).toEqual({ received: 20_000, written: 10_000, dropped: 9_808 }),
  );
  const page = (at: string) =>
    fetch(`http://${up.served.get("prometheus")}${at}`).then((answer) => answer.text());
  const metrics = await page("/metrics/self");
  expect(metrics).toContain(
    'muninn_objects_dropped_total{node="relay",sink="forwarding",reason="queue-full"} 9808',
  );
  expect(metrics).toContain('muninn_forwarding_queue_objects{sink="forwarding"} 192');
  await eventually(async () => expect(await page("/healthz")).toContain("no downstream tracer is connected"));
  const down = await downstream(path);
  await eventually(() => expect(down.accounts().written).toBe(192));
});

test("objects queued for a downstream tracer stay unchanged, however many follow", async () => {
  const path = join(directory, "up.sock");
  const up = await upstream(path, { muninn: { forwarding: { name: "upstream" } } });
  await node(up, "relay", 5_000);
  await eventually(async () => expect(await up.linesOf("relay")).toHaveLength(5_000));
  const down = await downstream(path);
  await eventually(() => expect(down.accounts()).toEqual({ received: 5_000, written: 5_000, dropped: 0 }));
  expect(await down.linesOf("upstream")).toEqual(await up.linesOf("relay"));
});

test("muninn.forwarding.queueBytes limits the queue, however few objects it holds", async () => {
  const up = await upstream(join(directory, "up.sock"), { muninn: { forwarding: { queueBytes: "1MiB" } } });
  const objects = Array.from({ length: 5 }, () => traceObject({ machine: "x".repeat(400_000) }));
  const source = new ScriptedSource({ name: "relay", objects });
  const sending = await simulatedNode({ source, network: { mode: "connect", address: up.address } });
  open.push(() => sending.stop());
  await eventually(() => expect(up.accounts()).toEqual({ received: 10, written: 5, dropped: 3 }));
});

test("verbosity Maximum logs what is sent to downstream tracers, and Minimum only that they connect and leave", async () => {
  await using place = await Workplace.open();
  const path = place.path("up.sock");
  const daemon = await place.start({
    hasForwarding: [{ tag: "AcceptAt", contents: path }, null, { verbosity: "Maximum" }],
  });
  const down = await downstream(path);
  await daemon.logged("downstream_connected");
  const source = new NumberedSource({ name: "relay", count: 3 });
  const address = { kind: "unix" as const, path: place.socket };
  const sending = await simulatedNode({ source, network: { mode: "connect", address } });
  open.push(() => sending.stop());
  await eventually(() => expect(down.accounts().written).toBe(3));
  await daemon.logged("forwarded");
  await daemon.logged("forwarded_metrics");
  expect(await daemon.stop()).toBe(0);
});

test("if the socket is in use at the start, the tracer collects, and forwards once the socket is free", async () => {
  const path = join(directory, "up.sock");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(path, resolve));
  const up = await upstream(path, {}, { maxReconnectDelay: 1 });
  await node(up, "relay", 10);
  await eventually(async () => expect(await up.linesOf("relay")).toHaveLength(10));
  await new Promise((resolve) => other.close(resolve));
  const down = await downstream(path);
  await eventually(() => expect(down.accounts().written).toBe(10));
});

test("a downstream tracer of another network is refused", async () => {
  const path = join(directory, "up.sock");
  const up = await upstream(path);
  await node(up, "relay", 10);
  const down = await downstream(path, { networkMagic: 42 });
  const right = await downstream(path);
  await eventually(() => expect(right.accounts().written).toBe(10));
  expect(down.accounts().received).toBe(0);
});

test("metrics and data points are forwarded only if the configuration says so", async () => {
  const [open_, closed] = [join(directory, "open.sock"), join(directory, "closed.sock")];
  const page = async (of: TestTracer, at: string) =>
    (await fetch(`http://${of.served.get("prometheus")}${at}`)).text();
  const pages = { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } };
  const all = { name: "up", metrics: true, dataPoints: true };
  const up = await upstream(open_, { ekgRequestFreq: 0.05, muninn: { forwarding: all } });
  const silent = await upstream(closed, { ekgRequestFreq: 0.05, muninn: { forwarding: { name: "up" } } });
  for (const to of [up, silent]) {
    const source = new ScriptedSource({ name: "relay" });
    source.metrics.set("my.metric_int", { kind: "gauge", value: 7n });
    source.dataPoints.set("NodeStartupInfo", Buffer.from('{"suiEra":"Conway"}'));
    const sending = await simulatedNode({ source, network: { mode: "connect", address: to.address } });
    open.push(() => sending.stop());
    await eventually(async () => expect(await page(to, "/relay")).toContain("my_metric_int 7"));
  }
  const [told, untold] = [await downstream(open_, pages), await downstream(closed, pages)];
  await eventually(async () => expect(await page(told, "/up")).toContain("relay_my_metric_int 7"));
  const point = "relay.NodeStartupInfo";
  const points = await told.dataPointsOf("up", [point, "relay.Nothing", "nobody.NodeInfo"]);
  expect(Buffer.from(points?.get(point) ?? []).toString()).toBe('{"suiEra":"Conway"}');
  expect(points?.get("relay.Nothing")).toBeUndefined();
  await eventually(async () => expect(await page(untold, "/up")).toContain("ekg_server_timestamp_ms"));
  expect(await page(untold, "/up")).not.toContain("my_metric");
  expect((await untold.dataPointsOf("up", [point]))?.get(point)).toBeUndefined();
});

test("the option names from an earlier version of the documentation still set the queue", async () => {
  const options = { tofQueueSize: 5 };
  const up = await tracer(
    { hasForwarding: [{ tag: "AcceptAt", contents: join(directory, "up.sock") }, null, options] },
    { allowWarnings: true },
  );
  await node(up, "relay", 20);
  await eventually(() => expect(up.accounts()).toEqual({ received: 40, written: 20, dropped: 15 }));
});
