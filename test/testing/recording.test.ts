import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import {
  eventually,
  NumberedSource,
  recording,
  ScriptedSource,
  simulatedNode,
  startRecording,
  startTracer,
} from "../../src/testing/entry.js";

test("a recording between a node and a tracer replays with the same result", async () => {
  await using first = await startTracer();
  await using recorder = await startRecording({ to: first.address });
  const source = new NumberedSource({ name: "relay", count: 500 });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: recorder.address } });
  await node.finished;
  await eventually(() => expect(first.accounts().written).toBe(500));
  const traffic = await recorder.stop();
  expect(await traffic.nodes()).toEqual(["relay"]);

  await using second = await startTracer();
  await using played = await traffic.play({ network: { mode: "connect", address: second.address } });
  await played.finished;
  await eventually(() => expect(second.accounts().written).toBe(500));
  expect(played.reports()).toMatchObject([{ name: "relay", objectsSent: 500 }]);
  expect(await second.linesOf("relay")).toEqual(await first.linesOf("relay"));
  expect((await traffic.compare(second.logRoot)).text).toContain("everything is right");
});

test("a node that never sends its name replays and compares under the same name", async () => {
  await using first = await startTracer();
  await using recorder = await startRecording({ to: first.address });
  const source = new ScriptedSource({ objects: ["one", "two"] });
  await using _node = await simulatedNode({
    source,
    network: { mode: "connect", address: recorder.address },
  });
  await eventually(() => expect(first.accounts().written).toBe(2));
  const traffic = await recorder.stop();

  await using second = await startTracer();
  await using played = await traffic.play({ network: { mode: "connect", address: second.address } });
  await played.finished;
  await eventually(() => expect(second.accounts().written).toBe(2));
  const verdict = await traffic.compare(second.logRoot);
  expect(verdict.ok, verdict.text).toBe(true);
});

test("an extra line in the files is reported with its place", async () => {
  const traffic = recording(fileURLToPath(new URL("../vectors/accept-250.forwarder.bin", import.meta.url)));
  await using tracer = await startTracer();
  await using played = await traffic.play({ network: { mode: "connect", address: tracer.address } });
  await played.finished;
  await eventually(async () =>
    expect((await traffic.compare(tracer.logRoot)).text).toContain("everything is right"),
  );
  await tracer.stop();
  const [name] = await traffic.nodes();
  const directory = join(tracer.logRoot, name!);
  const file = (await readdir(directory)).find((one) => /^node-.*\.json$/.test(one));
  await appendFile(join(directory, file!), '{"never":"sent"}\n');
  const verdict = await traffic.compare(tracer.logRoot);
  expect(verdict.nodes[0]).toMatchObject({ lost: 0, foreign: 1 });
  expect(verdict.text).toContain("1 foreign");
});

test("log files replay as nodes with their names, in several copies", async () => {
  await using first = await startTracer();
  const source = new NumberedSource({ name: "relay", count: 50 });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: first.address } });
  await node.finished;
  await eventually(() => expect(first.accounts().written).toBe(50));
  await first.stop();
  await using second = await startTracer();
  const network = { mode: "connect", address: second.address } as const;
  await using played = await recording(first.logRoot).play({ network, copies: 3 });
  await played.finished;
  const lines = await first.linesOf("relay");
  for (const copy of ["relay-1", "relay-2", "relay-3"])
    await eventually(async () => expect(await second.linesOf(copy)).toEqual(lines));
});

test("a recording given a file stays, and is not overwritten", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, "traffic.rec");
  await using tracer = await startTracer();
  {
    await using recorder = await startRecording({ to: tracer.address, file });
    await Promise.all([recorder.stop(), recorder.stop()]);
  }
  expect((await readFile(file)).subarray(0, 8).toString()).toBe("MUNINREC");
  await expect(startRecording({ to: tracer.address, file })).rejects.toMatchObject({ code: "EEXIST" });
});

test("a recording without a trace object is refused as such", async () => {
  await using tracer = await startTracer();
  await using recorder = await startRecording({ to: tracer.address });
  const traffic = await recorder.stop();
  await expect(traffic.nodes()).rejects.toThrow("holds no trace objects");
});
