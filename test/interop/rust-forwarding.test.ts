import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { expectedObjects } from "../protocol/vectors.js";
import { asRustLine, type RustLine, rustLines } from "./rust-lines.js";
import { RustProgram, tracerLogs } from "./rust-program.js";

// Re-forwarding (`hasForwarding`) to and from programs with an independent implementation of the protocol.

const recorded = expectedObjects("accept-250");
const count = 1_000;
const options = { queueSize: 100_000 };
const name = { forwarding: { name: "muninn" } };

const forwardAt = (path: string) => [{ tag: "AcceptAt", contents: path }, null, options];
const forwardTo = (path: string) => [{ tag: "ConnectTo", contents: [path] }, null, options];

/** The objects of a real node, and a node that counts, both at `socket`; fails if a connection has a fault. */
async function twoNodes(socket: string) {
  const source = new ScriptedSource({ name: "recorded", objects: recorded });
  const network = { mode: "connect", address: { kind: "unix", path: socket } } as const;
  return [await simulatedNode({ source, network }), await nodeAt(socket, { name: "counting", count })];
}

/** Waits until a Rust tracer has written this many objects from Muninn. */
async function rustLinesWhen(place: Workplace, length: number, tracer?: string): Promise<void> {
  await eventually(async () =>
    expect(await place.linesOf("muninn", { logRoot: tracerLogs(place, tracer) })).toHaveLength(length),
  );
}

/** Every field of the real node's objects, and all numbers, each in order. */
function expectBothWhole(lines: readonly RustLine[]): void {
  const numbered = lines.filter(({ to_hostname }) => to_hostname === "counting");
  const others = lines.filter(({ to_hostname }) => to_hostname !== "counting");
  expect(others).toMatchObject(recorded.map(asRustLine));
  expectAllInOrder(
    numbered.map(({ to_machine }) => to_machine),
    count,
  );
}

describe.each([
  ["connects to Muninn", forwardAt, (path: string) => ({ tag: "ConnectTo", contents: [path] }) as const],
  ["Muninn connects to", forwardTo, (path: string) => ({ tag: "AcceptAt", contents: path }) as const],
] as const)("the Rust tracer as a downstream tracer that %s", (_, hasForwarding, network) => {
  test("receives every field of every object of all nodes, each node's in order", async (context) => {
    await using place = await Workplace.open();
    const between = place.path("between.sock");
    await using _ = await RustProgram.tracer(context, place, { network: network(between) });
    const daemon = await place.start({ hasForwarding: hasForwarding(between), muninn: name });
    const nodes = await twoNodes(place.socket);
    await rustLinesWhen(place, recorded.length + count);
    expectBothWhole(await rustLines(place, "muninn"));
    expect(await place.linesOf("counting")).toHaveLength(count);
    for (const node of nodes) await node.stop();
    expect(await daemon.stop()).toBe(0);
  });
});

test("the Rust acceptor, which Muninn connects to, receives every field of every object, each node's in order", async (context) => {
  await using place = await Workplace.open();
  const [between, file] = [place.path("between.sock"), place.path("accepted.jsonl")];
  await using _ = RustProgram.acceptor(context, between, file);
  const daemon = await place.start({ hasForwarding: forwardTo(between) });
  const nodes = await twoNodes(place.socket);
  const lines = async () => (await readFile(file, "utf8")).split("\n").slice(0, -1);
  await eventually(async () => expect(await lines()).toHaveLength(recorded.length + count));
  expectBothWhole((await lines()).map((line) => JSON.parse(line)));
  for (const node of nodes) await node.stop();
  expect(await daemon.stop()).toBe(0);
});

test("a chain of the Rust forwarder, a Rust tracer, Muninn and two Rust tracers keeps everything in order", async (context) => {
  await using place = await Workplace.open();
  const [first, second] = [place.path("first.sock"), place.path("second.sock")];
  // The crate's forwarder drops objects beyond a request, so each tracer asks for more than it ever has.
  const daemon = await place.start({ hasForwarding: forwardAt(second), muninn: name, loRequestNum: 65_535 });
  const network = { tag: "ConnectTo", contents: [second] } as const;
  await using _one = await RustProgram.tracer(context, place, { name: "one", network });
  await using _two = await RustProgram.tracer(context, place, { name: "two", network });
  await daemon.logged("downstream_connected");
  await eventually(() =>
    expect(daemon.log.filter(({ event }) => event === "downstream_connected")).toHaveLength(2),
  );
  await using _middle = await RustProgram.tracer(context, place, {
    name: "middle",
    network: { tag: "AcceptAt", contents: first },
    forwardTo: { tag: "AcceptAt", contents: place.socket },
  });
  await using node = await nodeAt(first, { name: "counting", count });
  await node.finished;
  await eventually(async () => expect(await place.linesOf("unix-1")).toHaveLength(count));
  for (const tracer of ["one", "two"]) {
    await rustLinesWhen(place, count, tracer);
    const lines = await rustLines(place, "muninn", tracer);
    expectAllInOrder(
      lines.map(({ to_machine }) => to_machine),
      count,
    );
  }
  expect(await daemon.stop()).toBe(0);
});

test("what the Rust forwarder sends passes through Muninn to a Rust tracer with all its fields", async (context) => {
  await using place = await Workplace.open();
  const between = place.path("between.sock");
  const daemon = await place.start({ hasForwarding: forwardAt(between), muninn: name, loRequestNum: 65_535 });
  const network = { tag: "ConnectTo", contents: [between] } as const;
  await using _tracer = await RustProgram.tracer(context, place, { network });
  await using _forwarder = RustProgram.forwarder(context, ["connect", place.socket, "rusty", String(count)]);
  await rustLinesWhen(place, count);
  const lines = await rustLines(place, "muninn");
  expect(lines[7]).toMatchObject({
    to_human: null,
    to_machine: '{"seq":"000000000007","host":"rusty"}',
    to_namespace: ["Rust", "Numbered"],
    to_hostname: "rusty",
    to_severity: "Info",
    to_thread_id: "1",
  });
  expectAllInOrder(
    lines.map(({ to_machine }) => to_machine),
    count,
  );
  expect(await daemon.stop()).toBe(0);
});

test("a Rust tracer of another network is refused and logged, and others continue", async (context) => {
  await using place = await Workplace.open();
  const between = place.path("between.sock");
  const daemon = await place.start({ hasForwarding: forwardAt(between), muninn: name });
  const network = { tag: "ConnectTo", contents: [between] } as const;
  await using _wrong = await RustProgram.tracer(context, place, {
    name: "wrong",
    networkMagic: 42,
    network,
  });
  await daemon.logged("downstream_fault", ({ msg }) => msg.includes("42"));
  await using _right = await RustProgram.tracer(context, place, { name: "right", network });
  await using node = await nodeAt(place.socket, { name: "counting", count });
  await node.finished;
  await rustLinesWhen(place, count, "right");
  await expect(rustLines(place, "muninn", "wrong")).rejects.toThrow("ENOENT");
  expect(await daemon.stop()).toBe(0);
});
