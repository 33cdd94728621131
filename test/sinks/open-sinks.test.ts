import { expect, test } from "vitest";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { live } from "../../src/sinks/live/live.js";
import { openSinks, sinkKinds } from "../../src/sinks/open-sinks.js";
import { eventually } from "../../src/testing/eventually.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer } from "../../src/testing/test-tracer.js";
import { traceObject } from "../batches.js";
import { FirstObjectsSink, kindOf, MemorySink } from "./memory-sinks.js";

test("a row in the table is enough for a sink of either kind: batches, accounts, health, metrics and stop", async () => {
  const [memory, first] = [new MemorySink(), new FirstObjectsSink(2)];
  const objects = Array.from({ length: 5 }, (_, index) => traceObject({ machine: `{"n":${index}}` }));
  const tracer = await startTracer({
    config: {
      muninn: { health: { host: "127.0.0.1", port: 0 } },
      hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
    },
    sinkKinds: [...sinkKinds, kindOf(memory), kindOf(first)],
  });
  const source = new ScriptedSource({ name: "relay", objects });
  const node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  await eventually(() => expect(tracer.accounts()).toEqual({ received: 15, written: 12, dropped: 3 }));
  expect(memory.lines).toEqual(objects.map(({ machine }) => machine));
  expect(first.objects.map((bytes) => Buffer.from(bytes))).toEqual(
    objects.slice(0, 2).map((object) => Buffer.from(encodeTraceObject(object))),
  );
  const metrics = await (await fetch(`http://${tracer.served.get("prometheus")}/metrics/self`)).text();
  expect(metrics).toContain('muninn_memory_lines{sink="memory"} 5');
  expect(metrics).toContain(
    'muninn_objects_dropped_total{node="relay",sink="first-objects",reason="queue-full"} 3',
  );
  const health = await (await fetch(`http://${tracer.served.get("health")}/healthz`)).text();
  expect(health).toContain("Buy some.");
  await node.stop();
  await tracer.stop();
  expect(memory.stops).toBe(1);
  await tracer[Symbol.asyncDispose]();
});

test("if one kind cannot be opened, the sinks of the others are stopped", async () => {
  const memory = new MemorySink();
  const broken = {
    kind: "broken",
    open: async () => {
      throw new Error("no server");
    },
  };
  const opening = openSinks({} as never, {} as never, [kindOf(memory), broken]);
  await expect(opening).rejects.toThrow("no server");
  expect(memory.stops).toBe(1);
});

test("without a page there is no sink for viewers", async () => {
  expect(await live.open({ muninn: {} }, {} as never)).toEqual([]);
  const sinks = await live.open({ muninn: { ui: {} } }, {} as never);
  expect(sinks.map(({ name }) => name)).toEqual(["live"]);
  await Promise.all(sinks.map((sink) => sink.stop({ deadlineMs: 0 })));
});
