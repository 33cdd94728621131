import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { openLog } from "../../src/daemon/log/log.js";
import { openForwarder } from "../../src/forwarder/library/entry.js";
import { readLines } from "../../src/log-files/line-file.js";
import { findNodeLogs } from "../../src/log-files/node-logs.js";
import { eventually } from "../../src/testing/entry.js";
import { startTracer } from "../../src/tracer.js";

type Line = { readonly ns: string; readonly sev: string; readonly data: Record<string, unknown> };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-self-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function lines(): Promise<Line[]> {
  const logs = await findNodeLogs(join(directory, "logs/muninn")).catch(() => []);
  const read: Line[] = [];
  for (const file of logs.flatMap(({ files }) => files))
    for await (const { bytes, starts, ends } of readLines(file))
      for (const [index, start] of starts.entries())
        read.push(JSON.parse(bytes.toString("utf8", start, ends[index])));
  return read;
}

test("with muninn.selfTrace Muninn's own log is in the file of a node muninn, which feeds nothing to itself", async () => {
  const address = join(directory, "tracer.sock");
  const { config } = await parseConfig(
    JSON.stringify({
      networkMagic: 764824073,
      network: { tag: "AcceptAt", contents: address },
      logging: [{ logRoot: join(directory, "logs"), logMode: "FileMode", logFormat: "ForMachine" }],
      muninn: { selfTrace: true },
    }),
    join(directory, "config.json"),
  );
  await using sink = await open(join(directory, "log"), "w");
  const log = await openLog({ verbosity: "Maximum", fd: sink.fd });
  const tracer = await startTracer(config, { log, version: "1" });
  const node = openForwarder({ name: "node-1", address });
  await eventually(async () => expect((await lines()).map(({ ns }) => ns)).toContain("Muninn.NodeConnected"));
  await node.close();
  await eventually(async () =>
    expect((await lines()).map(({ ns }) => ns)).toContain("Muninn.NodeDisconnected"),
  );
  const came = await lines();
  const connected = came.find(({ ns }) => ns === "Muninn.NodeConnected")!;
  expect(connected).toMatchObject({ sev: "Info", data: { node: "node-1", event: "node_connected" } });
  expect(connected.data.msg).toBe("node node-1 is connected");
  // Of the node that this makes of Muninn there is no line.
  expect(JSON.stringify(came)).not.toContain('"node":"muninn"');
  await tracer.stop();
  await log.stop({ deadlineMs: 1_000 });
});
