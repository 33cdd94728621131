import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { readLines } from "../../src/log-files/line-file.js";
import { findNodeLogs } from "../../src/log-files/node-logs.js";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { NatsServer, newServer, olderServer, startCluster, withManager } from "../sinks/nats/nats-server.js";
import { CollectProcess, verified } from "./collect-process.js";
import { CollectPlace } from "./test-collector.js";

const stream = "TRACES";
const names = Array.from({ length: 10 }, (_, index) => `node-${index}`);
let open: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of open.reverse()) await end();
  open = [];
});

async function place(): Promise<CollectPlace> {
  const made = await CollectPlace.open();
  open.push(() => made[Symbol.asyncDispose]());
  return made;
}

function collect(
  where: CollectPlace,
  urls: readonly string[],
  options: { group?: string; fields?: object } = {},
): CollectProcess {
  const made = new CollectProcess(where, urls, options);
  open.push(() => made.end("SIGKILL"));
  return made;
}

async function tracer(servers: readonly string[], options: object = {}): Promise<TestTracer> {
  const sink = { kind: "nats", servers, stream, batchBytes: "32KiB", ...options };
  const made = await startTracer({ config: { muninn: { sinks: [sink] } } });
  open.push(() => made[Symbol.asyncDispose]());
  return made;
}

/** Nodes that keep sending for some seconds, whatever happens meanwhile. */
async function nodes(to: TestTracer, count: number, rate: number): Promise<void> {
  for (const name of names) {
    const source = new NumberedSource({ name, count, rate });
    const node = await simulatedNode({ source, network: { mode: "connect", address: to.address } });
    open.push(() => node.stop());
  }
}

async function countOf(root: string): Promise<number> {
  let count = 0;
  for (const { files } of await findNodeLogs(root).catch(() => [])) {
    for (const file of files) for await (const { ends } of readLines(file)) count += ends.length;
  }
  return count;
}

async function linesIn(root: string, node: string): Promise<string[]> {
  const lines: string[] = [];
  for (const { files } of await findNodeLogs(join(root, node)).catch(() => [])) {
    for (const file of files) {
      for await (const { bytes, starts, ends } of readLines(file))
        for (const [index, start] of starts.entries()) lines.push(bytes.toString("utf8", start, ends[index]));
    }
  }
  return lines;
}

const sequence = (line: string) => Number(/"seq":"(\d+)"/.exec(line)![1]);
const bySequence = (one: string, other: string) => sequence(one) - sequence(other);

const hasLines = (root: string, least: number) =>
  eventually(async () => expect(await countOf(root)).toBeGreaterThanOrEqual(least), { withinMs: 120_000 });

describe.skipIf(newServer === undefined)("a cluster of three", () => {
  test("loses no object, and doubles and reorders none, when its leader dies and the collector is killed twice", async () => {
    const servers = await startCluster(newServer!);
    for (const server of servers) open.push(() => server[Symbol.asyncDispose]());
    const urls = servers.map(({ url }) => url);
    const near = await tracer(urls, { create: { replicas: 3 }, timeout: "2s" });
    const far = await place();
    await nodes(near, 6_000, 400);
    const first = collect(far, urls);
    await hasLines(far.logRoot, 5_000);

    const { cluster } = await withManager(servers[0]!, (manager) => manager.streams.info(stream));
    const leader = servers.find((_, index) => `n${index}` === cluster!.leader)!;
    await leader.kill("SIGKILL");
    await delay(500);
    await first.end("SIGKILL");
    const second = collect(far, urls);
    await hasLines(far.logRoot, 20_000);
    await second.end("SIGKILL");
    await leader.start();
    const third = collect(far, urls);

    await eventually(
      () => expect(near.accounts()).toEqual({ received: 120_000, written: 120_000, dropped: 0 }),
      {
        withinMs: 120_000,
      },
    );
    await hasLines(far.logRoot, 60_000);
    expect(await third.end()).toBe(0);
    const { code, text } = verified(near.logRoot, far.logRoot);
    expect(text.match(/ok: 6000 sent, 6000 found/g), text).toHaveLength(10);
    expect(code, text).toBe(0);
  });
});

describe.skipIf(newServer === undefined)("collectors of one group", () => {
  test("share the nodes; when one is killed, another continues where it stopped, and nothing is lost", async () => {
    const server = await NatsServer.start(newServer!);
    open.push(() => server[Symbol.asyncDispose]());
    const near = await tracer([server.url], { create: {} });
    const places = [await place(), await place()];
    const [one, other] = places.map((where) => collect(where, [server.url], { group: "g" }));
    await nodes(near, 6_000, 200);
    // Both have some of the nodes.
    await Promise.all(places.map(({ logRoot }) => hasLines(logRoot, 1_000)));
    await one!.end("SIGKILL");
    await eventually(
      async () => {
        const counts = await Promise.all(places.map(({ logRoot }) => countOf(logRoot)));
        expect(counts[0]! + counts[1]!).toBeGreaterThanOrEqual(60_000);
      },
      { withinMs: 120_000 },
    );
    expect(await other!.end()).toBe(0);
    for (const name of names) {
      const parts = await Promise.all(places.map(({ logRoot }) => linesIn(logRoot, name)));
      // A node may have moved back and forth; in each place its lines are in order and once.
      for (const lines of parts) expect(lines).toEqual([...new Set(lines)].sort(bySequence));
      // The message in progress at the kill may be in the files of both.
      expect([...new Set(parts.flat())].sort(bySequence)).toEqual(await near.linesOf(name));
    }
    expect(other!.log).not.toContain("collect_gap");
  });
});

describe.skipIf(olderServer === undefined)("a server before 2.10", () => {
  test("serves a single collector, and a group is refused with one sentence", async () => {
    const server = await NatsServer.start(olderServer!);
    open.push(() => server[Symbol.asyncDispose]());
    const refused = collect(await place(), [server.url], { group: "g" });
    expect(await refused.exited).toBe(1);
    expect(refused.log).toContain("--group needs NATS servers 2.10 or later");
  });
});
