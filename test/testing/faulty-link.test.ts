import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import {
  type Address,
  eventually,
  faults,
  NumberedSource,
  ScriptedSource,
  simulatedNode,
  startTracer,
} from "../../src/testing/entry.js";
import { LinkedPair } from "../../src/testing/linked-pair.js";

const soon = { initialMs: 1, maxMs: 10 };
const localPort: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };

function numbersOf(lines: readonly string[]): number[] {
  return lines.map((line) => Number(/"seq":"(\d+)"/.exec(line)?.[1]));
}

test.each(["unix", "tcp"] as const)(
  "over a long and jittery %s link each line arrives once, in order",
  async (kind) => {
    await using tracer = await startTracer();
    const at = kind === "tcp" ? localPort : undefined;
    await using link = await faults.link({ to: tracer.address, at, latencyMs: 5, jitterMs: 10 });
    expect(link.address.kind).toBe(kind);
    const source = new NumberedSource({ name: "far", count: 2_000 });
    await using node = await simulatedNode({ source, network: { mode: "connect", address: link.address } });
    await node.finished;
    const expected = Array.from({ length: 2_000 }, (_, index) => index);
    await eventually(async () => expect(numbersOf(await tracer.linesOf("far"))).toEqual(expected));
    expect(link.connections).toEqual({ made: 1, now: 1 });
  },
);

test("bytes are delayed by at least the latency, whatever the other end does", async () => {
  await using tracer = await startTracer();
  await using link = await faults.link({ to: tracer.address, latencyMs: 200 });
  const begun = performance.now();
  const source = new NumberedSource({ name: "far", count: 1 });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: link.address } });
  await node.finished;
  // The proposal and its answer, the request for the name and its answer: two round trips.
  expect(performance.now() - begun).toBeGreaterThan(700);
});

test("a cut connection is reopened, and nothing is doubled or out of order", async () => {
  await using tracer = await startTracer();
  await using link = await faults.link({ to: tracer.address, cutAfterBytes: [50_000, 70_000] });
  const source = new NumberedSource({ name: "cut", rate: 5_000 });
  const network = { mode: "connect", address: link.address } as const;
  await using node = await simulatedNode({ source, network, reconnect: soon });
  await eventually(() => expect(node.report().connections).toBe(3));
  const { written } = tracer.accounts();
  await eventually(() => expect(tracer.accounts().written).toBeGreaterThan(written + 500));
  await node.stop();
  await tracer.stop();
  expect(link.connections.made).toBe(3);
  const numbers = numbersOf(await tracer.linesOf("cut"));
  expect(numbers[0]).toBe(0);
  expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true);
});

test("a broken link accepts no connections until it heals", async () => {
  await using tracer = await startTracer();
  await using link = await faults.link({ to: tracer.address });
  const source = new ScriptedSource({ name: "lonely" });
  const network = { mode: "connect", address: link.address } as const;
  await using node = await simulatedNode({ source, network, reconnect: soon });
  await eventually(() => expect(node.report().requests).toBeGreaterThan(0));
  link.breaks();
  await eventually(() => expect(link.connections.now).toBe(0));
  const { connections } = node.report();
  link.heals();
  await eventually(() => expect(node.report().connections).toBeGreaterThan(connections));
});

test("a stalled link holds everything back, and passes it on once healed", async () => {
  await using tracer = await startTracer();
  await using link = await faults.link({ to: tracer.address });
  link.stalls();
  const source = new NumberedSource({ name: "held", count: 100 });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: link.address } });
  await eventually(() => expect(link.connections.now).toBe(1));
  expect(node.report().connections).toBe(0);
  link.heals();
  await node.finished;
  await eventually(async () => expect(await tracer.linesOf("held")).toHaveLength(100));
  expect(link.connections.made).toBe(1);
});

test("a link also works for a tracer that connects", async () => {
  const source = new NumberedSource({ name: "server", count: 100 });
  await using node = await simulatedNode({ source, network: { mode: "listen", address: localPort } });
  await using link = await faults.link({ to: node.address!, latencyMs: 2 });
  const { host, port } = link.address as Extract<Address, { kind: "tcp" }>;
  const network = { tag: "ConnectTo", contents: [`${host}:${port}`] };
  await using tracer = await startTracer({ config: { network } });
  await node.finished;
  await eventually(async () => expect(await tracer.linesOf("server")).toHaveLength(100));
});

test("a stop is idempotent, and breaks the open connections", async () => {
  await using tracer = await startTracer();
  const link = await faults.link({ to: tracer.address });
  const source = new ScriptedSource({ name: "left" });
  const network = { mode: "connect", address: link.address } as const;
  await using node = await simulatedNode({ source, network });
  await eventually(() => expect(node.report().connections).toBe(1));
  await Promise.all([link.stop(), link.stop()]);
  expect(link.connections.now).toBe(0);
});

test("more bytes than the link can hold make the sender wait, and all arrive", async () => {
  const [near, sender] = duplexPair();
  const [far, receiver] = duplexPair();
  const wire = { latencyMs: 0, jitterMs: 0, random: Math.random };
  const pair = new LinkedPair(near, far, wire, Number.POSITIVE_INFINITY);
  pair.hold();
  const [piece, pieces] = [Buffer.alloc(1_048_576), 70];
  let received = 0;
  receiver.on("data", ({ length }) => {
    received += length;
  });
  for (let count = 0; count < pieces; count += 1) sender.write(piece);
  await eventually(() => expect(near.isPaused()).toBe(true));
  pair.letGo();
  await eventually(() => expect(received).toBe(pieces * piece.length));
  pair.cut();
  await pair.over;
});

test("an invalid latency is refused with one sentence", async () => {
  const to = { kind: "unix", path: "/nowhere" } as const;
  await expect(faults.link({ to, latencyMs: -1 })).rejects.toThrow(
    "latencyMs must be 0 or more milliseconds",
  );
});
