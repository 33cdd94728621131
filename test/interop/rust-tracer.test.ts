import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { countingNode, nodeAt } from "../end-to-end/nodes.js";
import { expectedObjects } from "../protocol/vectors.js";
import { asRustLine, rustLines } from "./rust-lines.js";
import { RustProgram } from "./rust-program.js";

/** The objects of a real node: texts with emoji, line feeds, nothing for people, and more. */
const recorded = expectedObjects("accept-250");
const count = 5_000;

describe.each(["connect", "listen"] as const)("simulated nodes that %s", (mode) => {
  test("send the Rust tracer every object of a real node, field for field, and thousands in order", async (context) => {
    await using place = await Workplace.open();
    const at = (name: string) =>
      mode === "connect" ? place.path("hermod.sock") : place.path(`${name}.sock`);
    await using _ = await RustProgram.tracer(context, place, {
      network:
        mode === "connect"
          ? { tag: "AcceptAt", contents: at("") }
          : { tag: "ConnectTo", contents: [at("recorded"), at("counting")] },
    });
    const network = (name: string) => ({ mode, address: { kind: "unix", path: at(name) } }) as const;
    const source = new ScriptedSource({ name: "recorded", objects: recorded });
    await using speaking = await simulatedNode({
      source,
      network: network("recorded"),
      reconnect: { initialMs: 20, maxMs: 100 },
    });
    await using counting = await countingNode(network("counting"), { name: "counting", count });
    await eventually(async () => {
      expect(await rustLines(place, "recorded")).toMatchObject(recorded.map(asRustLine));
      expect(await rustLines(place, "counting")).toHaveLength(count);
    });
    const lines = await rustLines(place, "counting");
    expectAllInOrder(
      lines.map(({ to_machine }) => to_machine),
      count,
    );
    expect(speaking.report()).toMatchObject({ connections: 1, faults: 0, refusals: 0 });
    expect(counting.report()).toMatchObject({ connections: 1, faults: 0, refusals: 0 });
  });
});

describe.each([
  ["connects to Muninn", "connect", "AcceptAt"],
  ["Muninn connects to", "listen", "ConnectTo"],
] as const)("the Rust forwarder that %s", (_, mode, tag) => {
  test("forwards under its own name, whole and in order", async (context) => {
    await using place = await Workplace.open();
    const address = place.path("between.sock");
    const contents = tag === "AcceptAt" ? address : [address];
    // It drops objects beyond a request, so each tracer asks for more than it ever has.
    const daemon = await place.start({ network: { tag, contents }, loRequestNum: 65_535 });
    await using _ = RustProgram.forwarder(context, [mode, address, "rusty", String(count)]);
    await eventually(async () => expect(await place.linesOf("rusty")).toHaveLength(count));
    expect(await daemon.stop()).toBe(0);
    expect(await place.linesOf("rusty")).toEqual(
      Array.from({ length: count }, (_, number) => {
        const seq = String(number).padStart(12, "0");
        return `{"seq":"${seq}","host":"rusty"}`;
      }),
    );
  });
});

test("the Rust tracer forwards to Muninn what simulated nodes send it", async (context) => {
  await using place = await Workplace.open();
  // It names no node: what it forwards is named after the connection.
  const daemon = await place.start({ loRequestNum: 65_535 });
  const nodes = place.path("hermod.sock");
  await using _ = await RustProgram.tracer(context, place, {
    network: { tag: "AcceptAt", contents: nodes },
    forwardTo: { tag: "AcceptAt", contents: place.socket },
  });
  await using node = await nodeAt(nodes, { name: "counting", count });
  await node.finished;
  await eventually(async () => expect(await place.linesOf("unix-1")).toHaveLength(count));
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("unix-1"), count);
});
