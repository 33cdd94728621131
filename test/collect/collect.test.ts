import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ConsumerInfo, jetstream } from "@nats-io/jetstream";
import { connect, headers as newHeaders } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Collector } from "../../src/collect/start-collector.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { encodePayload, type MessageFacts, messageId, setHeaders } from "../../src/sinks/nats/message.js";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { traceObject } from "../batches.js";
import { clientCertificate, flagsForClientCertificates } from "../sinks/nats/client-certificates.js";
import { NatsServer, newServer, packagedServer, withManager } from "../sinks/nats/nats-server.js";
import { certificateFile } from "../transport/certificates.js";
import { CollectPlace } from "./test-collector.js";

const stream = "TRACES";
let open: (() => unknown)[] = [];
let server: NatsServer;

afterEach(async () => {
  for (const end of open.reverse()) await end();
  open = [];
});

const programs = [packagedServer, newServer].filter((program) => program !== undefined);

async function serverOf(program: string, flags: readonly string[] = []): Promise<void> {
  server = await NatsServer.start(program, flags);
  open.push(() => server[Symbol.asyncDispose]());
}

async function place(): Promise<CollectPlace> {
  const made = await CollectPlace.open();
  open.push(() => made[Symbol.asyncDispose]());
  return made;
}

async function tracer(options: object = {}): Promise<TestTracer> {
  const sink = { kind: "nats", servers: [server.url], stream, create: {}, batchBytes: "8KiB", ...options };
  const made = await startTracer({ config: { muninn: { sinks: [sink] } } });
  open.push(() => made[Symbol.asyncDispose]());
  return made;
}

async function numbered(to: TestTracer, name: string, count: number): Promise<void> {
  const source = new NumberedSource({ name, count });
  const node = await simulatedNode({ source, network: { mode: "connect", address: to.address } });
  open.push(() => node.stop());
  await node.finished;
}

async function filesOf(root: string, node: string, extension: string): Promise<string> {
  const directory = join(root, node);
  if (!existsSync(directory)) return "";
  const names = (await readdir(directory)).filter(
    (name) => name.startsWith("node-") && name.endsWith(extension),
  );
  return (await Promise.all(names.sort().map((name) => readFile(join(directory, name), "utf8")))).join("");
}

const linesOf = async ({ logRoot }: CollectPlace, node: string) =>
  (await filesOf(logRoot, node, ".json")).split("\n").slice(0, -1);

const page = async (collector: Collector, path: string) =>
  (await fetch(`http://${collector.served.get("prometheus")}${path}`)).text();

/** Puts messages into the stream as a tracer would, or invalid ones. */
async function publish(
  messages: readonly {
    facts: Partial<MessageFacts>;
    texts: readonly string[];
    data?: Uint8Array;
    format?: string;
  }[],
): Promise<void> {
  const connection = await connect({ servers: server.url });
  try {
    for (const { facts: given, texts, data, format } of messages) {
      const node = { name: "relay", directory: "relay", slug: "relay" };
      const facts = { start: "s1", node, first: 1, count: texts.length, ...given };
      const headers = newHeaders();
      if (format !== "none") setHeaders(headers, facts);
      if (format !== undefined && format !== "none") headers.set("Muninn-Format", format);
      const objects = texts.map((machine) => encodeTraceObject(traceObject({ machine })));
      await jetstream(connection).publish(`muninn.trace.${facts.node.slug}`, data ?? encodePayload(objects), {
        headers,
        msgID: `${messageId(facts)}${format ?? ""}`,
      });
    }
  } finally {
    await connection.close();
  }
}

const makeStream = () =>
  withManager(server, (manager) => manager.streams.add({ name: stream, subjects: ["muninn.trace.*"] }));

describe.skipIf(programs.length === 0).each(programs)("a server %s", (program) => {
  beforeEach(() => serverOf(program));

  test("a collector writes the same files as the nodes' own tracer, and continues where it was stopped", async () => {
    const near = await tracer();
    const far = await place();
    await Promise.all(["one", "two", "three"].map((name) => numbered(near, name, 400)));
    const first = await far.start(server.url);
    for (const name of ["one", "two", "three"]) {
      await eventually(async () => expect(await linesOf(far, name)).toHaveLength(400));
      expect(await linesOf(far, name)).toEqual(await near.linesOf(name));
      expect((await filesOf(far.logRoot, name, ".log")).split("\n").length).toBeGreaterThan(400);
    }
    await eventually(async () =>
      expect(await page(first, "/metrics/self")).toMatch(/^muninn_collect_objects_total\{.*\} 1200$/m),
    );
    await first.stop();
    await numbered(near, "one-more", 300);
    await numbered(near, "one", 300);
    const second = await far.start(server.url);
    await eventually(async () =>
      expect(await page(second, "/metrics/self")).toMatch(/^muninn_collect_objects_total\{.*\} 600$/m),
    );
    for (const name of ["one", "one-more"]) {
      await eventually(async () => expect(await linesOf(far, name)).toEqual(await near.linesOf(name)));
    }
    expect(await page(second, "/metrics/self")).toMatch(/^muninn_collect_missing_objects_total\{.*\} 0$/m);
    expect(await page(second, "/metrics/self")).toMatch(/^muninn_collect_objects_total\{.*\} 600$/m);
  });

  const consumers = () =>
    withManager(server, async (manager) => {
      const infos: ConsumerInfo[] = [];
      for await (const info of manager.consumers.list(stream)) infos.push(info);
      return infos;
    });

  test("what a collector has acknowledged is not read again after others took over without reading anything, or were killed between", async () => {
    await makeStream();
    const message = (first: number) => ({ facts: { first }, texts: [`{"n":${first}}`] });
    await publish([1, 2, 3].map(message));
    const places = [await place(), await place(), await place()];
    const one = await places[0]!.start(server.url);
    await eventually(async () => expect(await linesOf(places[0]!, "relay")).toHaveLength(3));
    await one.stop();
    for (const taking of places.slice(1)) {
      const [before] = await consumers();
      const collector = await taking.start(server.url);
      await eventually(async () => {
        const [now] = await consumers();
        expect(now?.created).not.toBe(before!.created);
        expect(now?.config.opt_start_seq).toBe(4);
      });
      await collector.stop();
    }
    // A takeover that was cut off after it had deleted the consumer of the one before.
    await withManager(server, async (manager) => {
      for (const { name } of await consumers()) await manager.consumers.delete(stream, name);
    });
    const last = await places[2]!.start(server.url);
    await publish([message(4)]);
    await eventually(async () => expect(await linesOf(places[2]!, "relay")).not.toHaveLength(0));
    await last.stop();
    const written = await Promise.all(places.map((where) => linesOf(where, "relay")));
    expect(written.map((lines) => lines.length)).toEqual([3, 0, 1]);
  });

  test("the collector waits for a missing stream or server, and health says so", async () => {
    const far = await place();
    const collector = await far.start(server.url);
    await eventually(async () => expect(await page(collector, "/healthz")).toContain("stream not found"));
    await server.kill();
    await eventually(async () =>
      expect(await page(collector, "/healthz")).toContain("Start the NATS servers"),
    );
    await server.start();
    await makeStream();
    await publish([{ facts: {}, texts: ["a", "b"] }]);
    await eventually(async () => expect(await linesOf(far, "relay")).toEqual(["a", "b"]));
    await eventually(async () => expect(await page(collector, "/healthz")).not.toContain("failing"));
  });

  test("duplicates are written once, gaps are counted, and foreign messages are skipped", async () => {
    await makeStream();
    await publish([
      { facts: { first: 1 }, texts: ["a", "b"] },
      { facts: { first: 1 }, texts: ["a", "b"], format: "1" },
      { facts: { first: 2 }, texts: ["b", "c"] },
      { facts: { first: 4 }, texts: [], data: Buffer.from("garbage"), format: "none" },
      { facts: { first: 7 }, texts: ["g"] },
      { facts: { first: 8, count: 5 }, texts: ["h"] },
      {
        facts: { first: 8, node: { name: "x", directory: "../x", slug: "relay" } },
        texts: ["x"],
        format: "1",
      },
      { facts: { start: "s2", first: 1 }, texts: ["A"] },
    ]);
    const far = await place();
    const collector = await far.start(server.url);
    await eventually(async () => expect(await linesOf(far, "relay")).toEqual(["a", "b", "c", "g", "A"]));
    const metrics = await page(collector, "/metrics/self");
    expect(metrics).toMatch(/^muninn_collect_missing_objects_total\{.*\} 3$/m);
    expect(metrics).toMatch(/^muninn_collect_refused_messages_total\{.*\} 3$/m);
    expect(existsSync(join(far.directory, "x"))).toBe(false);
  });

  test("a message of a newer format is left in the stream, and health says to upgrade", async () => {
    await makeStream();
    await publish([
      { facts: {}, texts: ["a"] },
      { facts: { first: 2 }, texts: ["b"], format: "2" },
    ]);
    const far = await place();
    const collector = await far.start(server.url);
    await eventually(async () => expect(await page(collector, "/healthz")).toContain("upgrade"));
    expect(await linesOf(far, "relay")).toEqual(["a"]);
  });

  test("an object of 16 MiB is written whole", async () => {
    await makeStream();
    const near = await tracer();
    const far = await place();
    await far.start(server.url);
    const { ScriptedSource } = await import("../../src/testing/scripted-source.js");
    const machine = JSON.stringify({ data: "x".repeat(16 * 2 ** 20 - 1_000) });
    const source = new ScriptedSource({ name: "relay", objects: ["first"] });
    const node = await simulatedNode({ source, network: { mode: "connect", address: near.address } });
    open.push(() => node.stop());
    await eventually(async () => expect(await linesOf(far, "relay")).toHaveLength(1));
    source.send({ machine }, "last");
    await eventually(async () => expect(await linesOf(far, "relay")).toHaveLength(3), { withinMs: 60_000 });
    expect((await linesOf(far, "relay"))[1] === machine).toBe(true);
  });
});

test.skipIf(newServer === undefined)(
  "the collector shows its client certificate to servers that ask for one",
  async () => {
    await serverOf(newServer!, flagsForClientCertificates);
    const url = `tls://localhost:${server.port}`;
    const shown = { caFile: certificateFile("ca"), ...clientCertificate("pool-a") };
    const near = await tracer({ servers: [url], ...shown });
    await numbered(near, "relay", 100);
    const far = await place();
    await far.start(url, { fields: { muninn: { collect: shown } } });
    await eventually(async () => expect(await linesOf(far, "relay")).toEqual(await near.linesOf("relay")));
  },
);

test.skipIf(newServer === undefined)(
  "credentials come from muninn.collect, and wrong ones are reported",
  async () => {
    await serverOf(newServer!, ["--user", "u", "--pass", "p"]);
    const near = await tracer({ user: "u", password: "p" });
    await numbered(near, "relay", 100);
    const [far, refused] = [await place(), await place()];
    await far.start(server.url, { fields: { muninn: { collect: { user: "u", password: "p" } } } });
    await eventually(async () => expect(await linesOf(far, "relay")).toEqual(await near.linesOf("relay")));
    const wrong = await refused.start(server.url, { fields: { muninn: { collect: { token: "wrong" } } } });
    await eventually(async () => expect(await page(wrong, "/healthz")).toMatch(/uthorization/));
  },
);
