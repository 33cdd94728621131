import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer } from "../../src/testing/test-tracer.js";

test("objects that one Muninn sends to another over OTLP are in its files byte for byte, under the same node name", async () => {
  await using taking = await startTracer({ config: { muninn: { otlp: { host: "127.0.0.1", port: 0 } } } });
  const url = `http://${taking.served.get("otlp")}/v1/logs`;
  await using sending = await startTracer({
    config: { muninn: { sinks: [{ kind: "otlp", url, required: true }] } },
  });
  const objects = [
    '{"at":"2024-04-08T13:46:26.5169Z","data":{"kind":"K"},"sev":"Info"}',
    "no JSON, ünï",
    "{}",
  ];
  const source = new ScriptedSource({ name: "relay", objects });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: sending.address } });
  await eventually(async () => expect(await taking.linesOf("relay")).toEqual(objects));
  expect(await sending.linesOf("relay")).toEqual(objects);
  await node.stop();
});
