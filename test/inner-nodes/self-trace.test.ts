import { expect, test } from "vitest";
import { openForwarder } from "../../src/forwarder/library/entry.js";
import { eventually, startTracer } from "../../src/testing/entry.js";

type Line = { readonly ns: string; readonly sev: string; readonly data: Record<string, unknown> };

test("with muninn.selfTrace Muninn's own log is in the file of a node muninn, which feeds nothing to itself", async () => {
  await using tracer = await startTracer({ config: { verbosity: "Maximum", muninn: { selfTrace: true } } });
  const lines = async () => (await tracer.linesOf("muninn")).map((line) => JSON.parse(line) as Line);
  const node = openForwarder({ name: "node-1", address: tracer.address });
  await eventually(() => expect(node.stats().connections).toBe(1));
  await eventually(async () => expect((await lines()).map(({ ns }) => ns)).toContain("Muninn.NodeConnected"));
  await node.close();
  await eventually(async () => {
    expect((await lines()).map(({ ns }) => ns)).toContain("Muninn.NodeDisconnected");
  });
  const before = await lines();
  const connected = before.find(({ ns }) => ns === "Muninn.NodeConnected")!;
  expect(connected).toMatchObject({ sev: "Info", data: { node: "node-1", event: "node_connected" } });
  expect(connected.data.msg).toBe("node node-1 is connected");
  // Of the node that this makes of Muninn there is no line.
  expect(JSON.stringify(before)).not.toContain('"node":"muninn"');
  await tracer.settled();
  expect(await lines()).toEqual(before);
});
