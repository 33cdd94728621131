import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loopSlices } from "../../src/http/loop-slices.js";
import { NodeMetrics } from "../../src/metrics/node/node-metrics.js";
import { eventually } from "../../src/testing/eventually.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { Timeseries } from "../../src/timeseries/timeseries.js";
import { PlainPeer } from "./plain-peer.js";

let directory: string;
/** Everything that a test has opened, closed after it, the last first. */
let open: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-wiring-"));
  open = [];
});
afterEach(async () => {
  for (const end of open.reverse()) await end();
  await rm(directory, { recursive: true, force: true });
});

const anyPort = { epHost: "127.0.0.1", epPort: 0 };

async function tracerWith(timeseries: Readonly<Record<string, unknown>>): Promise<TestTracer> {
  const config = {
    hasTimeseries: anyPort,
    hasPrometheus: anyPort,
    ekgRequestFreq: 0.02,
    muninn: { timeseries },
  };
  const tracer = await startTracer({ config });
  open.push(() => tracer[Symbol.asyncDispose]());
  return tracer;
}

async function namedPeer(tracer: TestTracer): Promise<PlainPeer> {
  const peer = await PlainPeer.at(tracer.address, { name: "Relay_1" });
  open.push(() => peer.leave());
  await eventually(async () => expect(await get(tracer, "/timeseries/nodes")).toHaveLength(1));
  return peer;
}

async function get(tracer: TestTracer, path: string): Promise<unknown> {
  return (await fetch(`http://${tracer.served.get("timeseries")}${path}`)).json();
}

interface Answered {
  readonly error?: string;
  readonly errorType?: string;
  readonly data?: {
    readonly result: readonly { readonly metric: object; readonly value: [number, string] }[];
  };
}

async function ask(tracer: TestTracer, query: string): Promise<Answered> {
  return (await get(tracer, `/timeseries/query?${new URLSearchParams({ query })}`)) as Answered;
}

/** The values of a vector. */
async function valuesOf(tracer: TestTracer, query: string): Promise<string[]> {
  const { data } = await ask(tracer, query);
  return data!.result.map(({ value }) => value[1]);
}

async function exposed(tracer: TestTracer, path: string): Promise<string> {
  return (await fetch(`http://${tracer.served.get("prometheus")}${path}`)).text();
}

test("hasTimeseries: a node's metrics can be queried by its name, and the node for its data points", async () => {
  const startedAt = Date.now();
  const tracer = await tracerWith({});
  const peer = await namedPeer(tracer);
  peer.tell(["cardano.node.metrics.blockNum_int"], 42n);
  await eventually(async () => {
    const { data } = await ask(tracer, "cardano_node_metrics_blockNum_int now");
    expect(data!.result[0]).toMatchObject({
      metric: { node_name: "Relay_1" },
      value: [expect.anything(), "42.0"],
    });
  });
  const [{ slug }] = (await get(tracer, "/timeseries/nodes")) as [{ slug: string }];
  expect(await get(tracer, `/timeseries/node/${slug}/info`)).toEqual({ niName: "Relay_1" });
  expect(await exposed(tracer, "/metrics/self")).toContain(
    'muninn_timeseries_queries_total{outcome="success"}',
  );
  const [, since] = /points reach back to ([\d:.T-]+Z)/.exec(await exposed(tracer, "/healthz"))!;
  expect(Date.parse(since!)).toBeGreaterThanOrEqual(startedAt);
});

test("metrics that arrived before the node's name are stored as well", async () => {
  const tracer = await tracerWith({});
  const peer = await PlainPeer.at(tracer.address, { name: "early" });
  open.push(() => peer.leave());
  peer.tell(["told.early"], 7n);
  await eventually(async () => expect(await valuesOf(tracer, "told_early now")).toEqual(["7.0"]));
});

test("metrics go into the timeseries in the slices that all long work shares, not at once", async () => {
  const tracer = await tracerWith({});
  const peer = await namedPeer(tracer);
  let isInSlice = false;
  const run = loopSlices.run.bind(loopSlices);
  const slices = vi.spyOn(loopSlices, "run").mockImplementation((work) =>
    run(() => {
      isInSlice = true;
      work();
      isInSlice = false;
    }),
  );
  const observed = new Set<boolean>();
  const observe = vi.spyOn(Timeseries.prototype, "observe").mockImplementation(() => {
    observed.add(isInSlice);
  });
  open.push(() => [slices, observe].map((spy) => spy.mockRestore()));
  peer.tell(["m"], 5n);
  await eventually(() => expect(observed.size).toBeGreaterThan(0));
  expect([...observed]).toEqual([true]);
});

test("a point has the time of its answer, however much later it is stored", async () => {
  const observe = vi.spyOn(Timeseries.prototype, "observe");
  const answeredAt = vi.spyOn(NodeMetrics.prototype, "answeredAtMs", "get").mockReturnValue(7_000);
  open.push(() => [observe, answeredAt].map((spy) => spy.mockRestore()));
  await namedPeer(await tracerWith({}));
  await eventually(() => expect(observe).toHaveBeenCalled());
  expect(new Set(observe.mock.calls.map(([, , time]) => time))).toEqual(new Set([7_000]));
});

test("muninn.timeseries.minInterval is the minimum time between two points", async () => {
  const tracer = await tracerWith({ minInterval: "1h" });
  const peer = await namedPeer(tracer);
  peer.tell(["m"], 1n);
  await eventually(async () => expect(await valuesOf(tracer, "m now")).toEqual(["1.0"]));
  peer.tell(["m"], 2n);
  await eventually(async () => expect(await exposed(tracer, "/metrics")).toMatch(/^m\{.*\} 2$/m));
  expect(await valuesOf(tracer, "m now")).toEqual(["1.0"]);
});

test("muninn.timeseries.maxBytes limits the memory, and deleted points are counted", async () => {
  const tracer = await tracerWith({ maxBytes: "1MiB" });
  const peer = await namedPeer(tracer);
  peer.tell(Array.from({ length: 3_000 }, (_, n) => `metric.${n}`));
  await eventually(async () => {
    const text = await exposed(tracer, "/metrics/self");
    expect(text).toMatch(/muninn_timeseries_removed_points_total\{reason="evicted"\} [1-9]/);
    expect(Number(/^muninn_timeseries_bytes (\d+)$/m.exec(text)![1])).toBeLessThanOrEqual(2 ** 20);
  });
});

test("muninn.timeseries.retention is how long points are kept", async () => {
  const tracer = await tracerWith({ retention: "2h" });
  expect(await get(tracer, "/timeseries/config/retention")).toEqual({ retentionMillis: 7_200_000 });
});

test("muninn.timeseries.directory: points survive a restart", async () => {
  const kept = join(directory, "timeseries");
  const first = await tracerWith({ directory: kept });
  const peer = await namedPeer(first);
  peer.tell(["m"], 3n);
  await eventually(async () => expect(await valuesOf(first, "m now")).toEqual(["3.0"]));
  await first.stop();
  expect(await readdir(kept)).toHaveLength(1);
  const second = await tracerWith({ directory: kept });
  await eventually(async () => expect(await valuesOf(second, "m now")).toEqual(["3.0"]));
});

test("muninn.timeseries.queryTimeout ends a query that takes longer", async () => {
  const tracer = await tracerWith({ queryTimeout: "1ms" });
  const peer = await namedPeer(tracer);
  peer.tell(["m"]);
  await eventually(async () =>
    expect(await get(tracer, "/timeseries/query?query=metrics")).not.toMatchObject({
      data: { resultType: "nil" },
    }),
  );
  const answer = await ask(tracer, "(\\t -> map (\\x -> x + 1) (m t))[now - 10000s; now : 1s]");
  expect(answer).toMatchObject({ errorType: "execution" });
  expect(answer.error).toContain("longer than 1 ms");
});

test("muninn.timeseries.queryBytes ends a query that needs more", async () => {
  const tracer = await tracerWith({ queryBytes: "1MiB" });
  const doubled = Array.from({ length: 30 }, (_, n) => `let p${n + 1} = (p${n}, p${n}) in `).join("");
  const answer = await ask(tracer, `let p0 = 1 in ${doubled}p30`);
  expect(answer).toMatchObject({ errorType: "execution" });
  expect(answer.error).toContain("more than 1048576 bytes");
});
