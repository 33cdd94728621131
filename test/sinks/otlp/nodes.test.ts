import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../../../src/testing/eventually.js";
import { ScriptedSource } from "../../../src/testing/scripted-source.js";
import { simulatedNode } from "../../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../../src/testing/test-tracer.js";
import { traceObject } from "../../batches.js";
import { Workplace } from "../../end-to-end/daemon.js";
import { TestCollector, take } from "./test-collector.js";

let collector: TestCollector;
beforeEach(async () => {
  collector = await TestCollector.open();
});
afterEach(() => collector.close());

const tracerWith = (options: object = {}) =>
  startTracer({ config: { muninn: { sinks: [{ kind: "otlp", url: collector.url, ...options }] } } });
const nodeOf = (tracer: TestTracer, source: ScriptedSource) =>
  simulatedNode({ source, network: { mode: "connect", address: tracer.address } });

test("a node that reconnected while its records were in flight is still asked for its version", async () => {
  await using tracer = await tracerWith({ required: true, timeout: "1h" });
  let held!: ServerResponse;
  collector.next.push((response) => {
    held = response;
  });
  await using first = await nodeOf(tracer, new ScriptedSource({ name: "relay", objects: ["{}"] }));
  await eventually(() => expect(held).toBeDefined());
  await first.stop();
  const source = new ScriptedSource({ name: "relay", objects: [] });
  await using _ = await nodeOf(tracer, source);
  await eventually(async () => expect(await tracer.dataPointsOf("relay", ["NodeInfo"])).toBeDefined());
  held.end();
  await eventually(() => expect(tracer.accounts()).toEqual({ received: 2, written: 2, dropped: 0 }));
  source.send("{}");
  await eventually(() => expect(collector.requests).toHaveLength(2));
  expect(collector.requests[1]!.resource["service.version"]).toBe("10.5.1");
});

test.each(["gzip", "none"])(
  "an object of 16 MiB arrives whole, and alone, compressed by %s",
  async (compression) => {
    await using tracer = await tracerWith({ required: true, compression, timeout: "1h" });
    const machine = "x".repeat(2 ** 24 - 1_000);
    const objects = [traceObject({}), traceObject({ machine }), traceObject({})];
    await using _ = await nodeOf(tracer, new ScriptedSource({ name: "relay", objects }));
    await eventually(() => expect(tracer.accounts()).toEqual({ received: 6, written: 6, dropped: 0 }));
    expect(collector.bodies[1] === machine).toBe(true);
    expect(collector.bodies).toHaveLength(3);
    const alone = collector.requests.find(({ records }) =>
      records.some(({ body }) => (body as { string_value: string }).string_value.length > 10_000),
    );
    expect(alone!.records).toHaveLength(1);
  },
);

test("an object larger than the whole queue of a best-effort sink is dropped, and counted", async () => {
  await using tracer = await tracerWith({ queueBytes: "1MiB", batchDelay: "0" });
  const machine = "x".repeat(2 ** 21);
  const source = new ScriptedSource({ name: "relay", objects: [traceObject({ machine })] });
  await using _ = await nodeOf(tracer, source);
  await eventually(() => expect(tracer.accounts()).toEqual({ received: 2, written: 1, dropped: 1 }));
  source.send("{}");
  await eventually(() => expect(collector.bodies).toEqual(["{}"]));
});

test("the message of a collector that accepted everything is in the log", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ muninn: { sinks: [{ kind: "otlp", url: collector.url }] } });
  collector.next.push(take(0, "slow down"));
  const address = { kind: "unix", path: place.socket } as const;
  const source = new ScriptedSource({ name: "relay", objects: ["{}"] });
  await using _ = await simulatedNode({ source, network: { mode: "connect", address } });
  expect((await daemon.logged("otlp_warned")).msg).toContain("slow down");
});

test("a URL with a password, which health and log would show, is refused", async () => {
  await expect(tracerWith({ url: "http://me:secret@127.0.0.1:1/v1/logs" })).rejects.toThrow("headersFile");
});
