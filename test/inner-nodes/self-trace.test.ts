import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { openLog } from "../../src/daemon/log/log.js";
import { openForwarder } from "../../src/forwarder/library/entry.js";
import type { Settlement } from "../../src/inner-nodes/inner-node.js";
import { SelfTrace } from "../../src/inner-nodes/self-trace.js";
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

test("muninn.selfTrace writes Muninn's own log to the file of a node called muninn, which does not feed itself", async () => {
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
  const taps = new Set<() => void>();
  const tap = (take: (line: string) => void) => {
    const untap = log.tap(take);
    taps.add(untap);
    return () => {
      taps.delete(untap);
      untap();
    };
  };
  const tracer = await startTracer(config, { log: { ...log, tap }, version: "1" });
  expect(taps.size).toBe(1);
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
  // The node of Muninn's own log causes no such line.
  expect(JSON.stringify(came)).not.toContain('"node":"muninn"');
  await tracer.stop();
  expect(taps.size).toBe(0);
  await log.stop({ deadlineMs: 1_000 });
});

test("lines that are not safe yet are bounded, and the excess is counted in a line of its own once there is room", async () => {
  let take = (_: string) => {};
  let settle = (_: Settlement) => {};
  const objects: string[] = [];
  const settled = new Promise<Settlement>((resolve) => {
    settle = resolve;
  });
  const self = new SelfTrace({
    log: {
      tap: (given) => {
        take = given;
        return () => {};
      },
    },
    node: {
      add: ([object]) => {
        objects.push(Buffer.from(object!).toString());
        return settled;
      },
      stop: async () => {},
    },
    host: "host",
  });
  const line = (n: number) => JSON.stringify({ level: "info", event: "told", n, msg: "told" });
  for (let n = 0; n < 1_234; n += 1) take(line(n));
  expect(objects).toHaveLength(1_000);
  settle("safe");
  await eventually(() => {
    take(line(1_234));
    expect(objects.length).toBeGreaterThan(1_000);
  });
  const leftOut = Number(/"lines":(\d+)/.exec(objects[1_000]!)![1]);
  expect(objects[1_000]).toContain("Muninn.SelfTraceLeftOut");
  // 1,000 lines, those left out, and the one after them.
  expect(leftOut).toBeGreaterThanOrEqual(234);
  expect(objects[1_001]).toContain('"n":1234');
  expect(objects).toHaveLength(1_002);
  take(line(1_235));
  expect(objects).toHaveLength(1_003);
  await self.stop();
});
