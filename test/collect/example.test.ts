import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { Workplace } from "../end-to-end/daemon.js";
import { NatsServer, newServer } from "../sinks/nats/nats-server.js";
import { CollectProcess } from "./collect-process.js";
import { CollectPlace } from "./test-collector.js";

let open: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of open.reverse()) await end();
  open = [];
});

const example = async (name: string) => readFile(join("examples/nats", name), "utf8");

/** A file of the example, with its addresses and paths moved to this machine. */
const moved = (text: string, directory: string) =>
  text.replace(/\/(run|var\/log|var\/lib)\//g, `${directory}/$1/`).replace(/(epPort: )\d+/g, "$10");

describe.skipIf(newServer === undefined)("examples/nats", () => {
  test("the server, tracer and collector work together with the example's files", async () => {
    const [near, far] = [await Workplace.open(), await CollectPlace.open()];
    open.push(() => near[Symbol.asyncDispose]());
    open.push(() => far[Symbol.asyncDispose]());
    for (const part of ["run/muninn", "var/log", "var/lib"])
      await mkdir(near.path(part), { recursive: true });
    // It is not a cluster on its own, and its directory is the test's; its users are those of the file.
    const config = (await example("nats-server.conf"))
      .replace(/^ *(server_name|listen|http|store_dir):.*$/gm, "")
      .replace(/^cluster \{[^}]*\}/m, "");
    await writeFile(near.path("nats-server.conf"), moved(config, near.directory));
    const server = await NatsServer.start(newServer!, ["-c", near.path("nats-server.conf")]);
    open.push(() => server[Symbol.asyncDispose]());
    const tracer = parse(
      moved(await example("tracer.yaml"), near.directory)
        .replace(/servers: \[.*\]/, `servers: ["${server.url}"]`)
        .replace("replicas: 3", "replicas: 1"),
    );
    const daemon = await near.start(tracer);
    open.push(() => daemon.stop());
    const fields = parse(moved(await example("collector.yaml"), far.directory));
    const collector = new CollectProcess(far, [server.url], { fields });
    open.push(() => collector.end("SIGKILL"));
    const node = await simulatedNode({
      source: new NumberedSource({ name: "relay", count: 300 }),
      network: { mode: "connect", address: near.path("run/muninn/muninn.sock") },
    });
    open.push(() => node.stop());
    await eventually(async () => {
      const options = { logRoot: join(far.directory, "var/log/muninn-all") };
      expect(await near.linesOf("relay", options)).toHaveLength(300);
    });
    const logRoot = near.path("var/log/muninn");
    const collected = await near.linesOf("relay", { logRoot: join(far.directory, "var/log/muninn-all") });
    expect(collected).toEqual(await near.linesOf("relay", { logRoot }));
    expect(await collector.end()).toBe(0);
    expect(await daemon.stop()).toBe(0);
  });
});
