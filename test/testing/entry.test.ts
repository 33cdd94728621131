import { expect, test } from "vitest";
import {
  eventually,
  NumberedSource,
  ScriptedSource,
  simulatedNode,
  startTracer,
} from "../../src/testing/entry.js";

test("a scripted node sends what the test gives it, when the test gives it", async () => {
  await using tracer = await startTracer();
  const source = new ScriptedSource({ name: "scripted" });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  const object = {
    human: undefined,
    machine: '{"a":1}',
    namespace: ["Test"],
    severity: "Info",
    details: "DNormal",
    timestamp: { seconds: 0, picoseconds: 0 },
    host: "host",
    thread: "1",
  } as const;
  source.send(object);
  await eventually(async () => expect(await tracer.linesOf("scripted")).toEqual(['{"a":1}']));
  source.send({ ...object, machine: "second" });
  await eventually(async () => expect(await tracer.linesOf("scripted")).toEqual(['{"a":1}', "second"]));
  expect(node.report().objectsSent).toBe(2);
});

test("plain texts become usual objects, and a burst arrives in order", async () => {
  await using tracer = await startTracer();
  const source = new ScriptedSource({ name: "bursts", objects: ["first"] });
  await using _node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  const burst = Array.from({ length: 3_000 }, (_, index) => `line ${index}`);
  source.send(...burst);
  await eventually(async () => expect(await tracer.linesOf("bursts")).toEqual(["first", ...burst]));
});

test("a stalled node keeps its connection and sends the rest once it heals", async () => {
  await using tracer = await startTracer();
  const source = new ScriptedSource({ name: "stalling", objects: ["before"] });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  await eventually(async () => expect(await tracer.linesOf("stalling")).toEqual(["before"]));
  node.stalls();
  source.send("during");
  await eventually(() => expect(node.report().objectsSent).toBe(2));
  await eventually(() => expect(tracer.accounts().received).toBe(1), { withinMs: 200 });
  node.heals();
  await eventually(async () => expect(await tracer.linesOf("stalling")).toEqual(["before", "during"]));
  expect(node.report().connections).toBe(1);
});

test("after half a message on an open connection the whole objects are written, and the rest follows", async () => {
  await using tracer = await startTracer();
  const source = new NumberedSource({ name: "half", count: 300 });
  await using node = await simulatedNode({
    source,
    network: { mode: "connect", address: tracer.address },
    quirks: { stallAfterBytes: [50_000] },
  });
  await eventually(() => expect(tracer.accounts().written).toBeGreaterThan(0));
  await eventually(() => expect(node.report().objectsSent).toBeGreaterThan(tracer.accounts().received));
  expect(tracer.accounts().written).toBeLessThan(300);
  node.heals();
  await eventually(() => expect(tracer.accounts()).toEqual({ received: 300, written: 300, dropped: 0 }));
  expect(node.report().connections).toBe(1);
});

test("a node that disconnects in the middle of a message reconnects, and only objects in flight are lost", async () => {
  await using tracer = await startTracer();
  const source = new NumberedSource({ name: "cut", count: 500 });
  await using node = await simulatedNode({
    source,
    network: { mode: "connect", address: tracer.address },
    reconnect: { initialMs: 1, maxMs: 10 },
    quirks: { cutAfterBytes: [100_000] },
  });
  await node.finished;
  await node.stop();
  await tracer.stop();
  const numbers = (await tracer.linesOf("cut")).map((line) => Number(/"seq":"(\d+)"/.exec(line)?.[1]));
  expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true);
  expect(numbers.at(-1)).toBe(499);
  expect(tracer.accounts()).toEqual({ received: numbers.length, written: numbers.length, dropped: 0 });
});

test("a node is cut off after as many bytes as it was given, however small its messages are", async () => {
  await using tracer = await startTracer();
  const source = new ScriptedSource({ name: "relay" });
  await using node = await simulatedNode({
    source,
    network: { mode: "connect", address: tracer.address },
    reconnect: { initialMs: 1, maxMs: 10 },
    quirks: { cutAfterBytes: [5_000] },
  });
  for (let count = 0; count < 100 && node.report().connections < 2; count += 1) {
    source.send("x".repeat(100));
    await eventually(() => expect(source.waiting).toBe(0));
  }
  await eventually(() => expect(node.report().connections).toBe(2));
  // Messages of some 200 bytes each.
  expect(node.report().objectsSent).toBeLessThan(60);
});
