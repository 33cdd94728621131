import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { faults, ScriptedSource, simulatedNode, startTracer } from "../../src/testing/entry.js";

test("a misspelt field is an error with its place and a suggestion", async () => {
  // @ts-expect-error an unknown field is also a type error
  const misspelt = startTracer({ config: { networkMagik: 1 } });
  await expect(misspelt).rejects.toThrow(/networkMagik.*networkMagic/s);
  const nested = startTracer({ config: { muninn: { durabilitty: "write" } } });
  await expect(nested).rejects.toThrow(/durabilitty/);
});

test("the tracer starts despite a warning if warnings are allowed", async () => {
  await using tracer = await startTracer({
    // @ts-expect-error as above
    config: { networkMagik: 1 },
    allowWarnings: true,
  });
  expect(tracer.accounts().received).toBe(0);
});

test("the tracer has settled once everything received is safe, not before", async () => {
  const disk = faults.fileSystem();
  await using tracer = await startTracer({ fileSystem: disk });
  const source = new ScriptedSource({ name: "relay", objects: ["first"] });
  await using _node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  await expect.poll(() => tracer.accounts().written).toBe(1);
  disk.breaks({ kind: "stalls" });
  source.send("second");
  await expect.poll(() => tracer.accounts().received).toBe(2);
  let hasSettled = false;
  const settled = tracer.settled().then(() => {
    hasSettled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(hasSettled).toBe(false);
  disk.heals();
  await settled;
  expect(await tracer.linesOf("relay")).toEqual(["first", "second"]);
});

test("the tracer has not settled while objects wait for the name of their node", async () => {
  await using tracer = await startTracer();
  let giveName = () => {};
  const dataPointsAfter = new Promise<void>((resolve) => {
    giveName = resolve;
  });
  const source = new ScriptedSource({ name: "late", objects: ["one"] });
  const network = { mode: "connect", address: tracer.address } as const;
  await using node = await simulatedNode({ source, network, quirks: { dataPointsAfter } });
  await expect.poll(() => node.report().objectsSent).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  let hasSettled = false;
  const settled = tracer.settled().then(() => {
    hasSettled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(hasSettled).toBe(false);
  giveName();
  await settled;
  expect(await tracer.linesOf("late")).toEqual(["one"]);
});

test("addresses may be texts, and omitted fields of an object have usual values", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-address-"));
  const socket = join(directory, "tracer.sock");
  await using tracer = await startTracer({ config: { network: { tag: "AcceptAt", contents: socket } } });
  await using link = await faults.link({ to: socket });
  const source = new ScriptedSource({ name: "relay", objects: [{ machine: "{}", severity: "Error" }] });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: socket } });
  await expect.poll(() => tracer.accounts().written).toBe(1);
  expect(await tracer.linesOf("relay")).toEqual(["{}"]);
  expect(link.connections.made).toBe(0);
  await node.stop();
  await rm(directory, { recursive: true });
});
