import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { startTracer } from "../../src/testing/test-tracer.js";
import { PlainPeer } from "./plain-peer.js";

test("of two tracers below one root, only the first writes in a node's directory; at the second the node gets a suffix", async () => {
  await using first = await startTracer();
  const { logRoot } = first;
  await using second = await startTracer({
    config: { networkMagic: 42, logging: [{ logRoot, logMode: "FileMode", logFormat: "ForMachine" }] },
  });
  const peers: PlainPeer[] = [];
  for (const [tracer, magic, text] of [
    [first, 764_824_073, "of the first"],
    [second, 42, "of the second"],
  ] as const) {
    const peer = await PlainPeer.at(tracer.address, { name: "relay", magic });
    peers.push(peer);
    await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
    peer.reply([text]);
    await eventually(() => expect(tracer.accounts().written).toBe(1));
  }
  expect(await first.linesOf("relay")).toEqual(["of the first"]);
  expect(await first.linesOf("relay_unix-1")).toEqual(["of the second"]);
  // Once the node has left the first tracer, the second may write in its directory.
  for (const peer of peers) peer.leave();
  await eventually(async () => {
    const peer = await PlainPeer.at(second.address, { name: "relay", magic: 42 });
    await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
    peer.reply(["of the second, later"]);
    const { written } = second.accounts();
    await eventually(() => expect(second.accounts().written).toBeGreaterThan(written));
    peer.leave();
    expect(await first.linesOf("relay")).toContain("of the second, later");
  });
});
