import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { OwnEvents } from "../../src/metrics/own/events.js";
import { eventually } from "../../src/testing/eventually.js";
import { Door } from "../../src/tracer-door.js";
import type { Connection } from "../../src/transport/connection.js";

// Where connections come from, without the rest of a tracer.

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-door-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const pathOf = (name: string) => join(directory, `${name}.sock`);

async function doorWith(network: object, links: readonly object[] = [], muninn: object = {}) {
  const text = JSON.stringify({
    networkMagic: 42,
    network,
    logging: [{ logRoot: directory, logMode: "FileMode", logFormat: "ForMachine" }],
    muninn: { links, reconnect: { initial: "5ms", max: "5ms" }, ...muninn },
  });
  const { config } = await parseConfig(text, "config.json");
  const log = { info: vi.fn(), notice: vi.fn(), warning: vi.fn() };
  const events = new OwnEvents();
  return { log, door: new Door(config, { log: log as never, events, maxConnections: 10 }) };
}

/** Runs connections until their peers leave. */
const run = async ({ stream }: Connection) => {
  stream.resume();
  stream.on("error", () => {});
  stream.once("end", () => stream.destroy());
  await once(stream, "close");
  return true;
};

/** A node that listens, and counts who connects. */
async function nodeAt(name: string) {
  const node = { connections: 0, leave: () => {}, close: () => server.close() };
  const server = createServer((socket) => {
    node.connections += 1;
    node.leave = () => socket.destroy();
    socket.on("error", () => {});
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(pathOf(name), resolve));
  return node;
}

test("a door is shown as closed until it is open, and no longer once we have closed it", async () => {
  const { door } = await doorWith({ tag: "AcceptAt", contents: pathOf("tracer") }, [
    { listen: `unix:${pathOf("link")}` },
    { connect: `unix:${pathOf("node")}` },
  ]);
  const { view, links } = door;
  if (!("listener" in view)) throw new Error("no listener");
  const [listens, connects] = links;
  if (!("isBound" in listens!) || !("isConnected" in connects!)) throw new Error("other links");
  const bound = () => [view.listener.isBound(), listens.isBound()];
  expect(bound()).toEqual([false, false]);
  expect([connects.isConnected(), connects.lastError()]).toEqual([false, undefined]);
  const node = await nodeAt("node");
  await door.open(run);
  expect(bound()).toEqual([true, true]);
  await eventually(() => expect(connects.isConnected()).toBe(true));
  node.leave();
  node.close();
  await eventually(() => expect(connects.lastError()).toContain("ENOENT"));
  expect(connects.isConnected()).toBe(false);
  await door.stop();
  expect(bound()).toEqual([true, true]);
});

test("a door that stops leaves no socket behind, of its own or of its links", async () => {
  const { door, log } = await doorWith({ tag: "AcceptAt", contents: pathOf("tracer") }, [
    { listen: `unix:${pathOf("link")}` },
  ]);
  await door.open(run);
  expect(log.info).toHaveBeenCalledWith("link_listening", expect.stringContaining(pathOf("link")), {
    link: expect.stringContaining(pathOf("link")),
    where: expect.stringContaining(pathOf("link")),
  });
  expect([existsSync(pathOf("tracer")), existsSync(pathOf("link"))]).toEqual([true, true]);
  await door.stop();
  expect([existsSync(pathOf("tracer")), existsSync(pathOf("link"))]).toEqual([false, false]);
});

test("a door that stops connects to nothing again, neither to its targets nor over its links", async () => {
  const nodes = [await nodeAt("target"), await nodeAt("linked")] as const;
  const { door } = await doorWith({ tag: "ConnectTo", contents: [pathOf("target")] }, [
    { connect: `unix:${pathOf("linked")}` },
  ]);
  if (!("targets" in door.view)) throw new Error("no targets");
  const [target] = door.view.targets;
  expect([target!.isConnected(), target!.lastError()]).toEqual([false, undefined]);
  await door.open(run);
  await eventually(() => expect(nodes.map(({ connections }) => connections)).toEqual([1, 1]));
  await eventually(() => expect(target!.isConnected()).toBe(true));
  for (const node of nodes) node.leave();
  await eventually(() => expect(nodes.map(({ connections }) => connections)).toEqual([2, 2]));
  await door.stop();
  for (const node of nodes) node.leave();
  // Ten times the pause before it would connect again.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(nodes.map(({ connections }) => connections)).toEqual([2, 2]);
  for (const node of nodes) node.close();
});

test("a file of a link that cannot be read is named with its own link", async () => {
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "a-token-of-16-signs");
  const { door } = await doorWith({ tag: "AcceptAt", contents: pathOf("tracer") }, [
    { connect: "ws://127.0.0.1:1/nodes" },
    { connect: "wss://127.0.0.1:1/nodes", tokenFile },
  ]);
  await door.open(run);
  await rm(tokenFile);
  await expect(door.readChange()).rejects.toThrow(/^muninn\.links\[1\]\.tokenFile: /);
  await door.stop();
  const { door: another } = await doorWith({ tag: "AcceptAt", contents: pathOf("another") }, [
    { connect: "ws://127.0.0.1:1/nodes" },
    { connect: "wss://127.0.0.1:1/nodes", tokenFile },
  ]);
  await expect(another.open(run)).rejects.toThrow(/^muninn\.links\[1\]\.tokenFile: /);
  await another.stop();
});

test("a link's socket has the configured mode, and the log tells of the directory that was made for it", async () => {
  const listen = join(directory, "made", "link.sock");
  const { door, log } = await doorWith(
    { tag: "AcceptAt", contents: pathOf("tracer") },
    [{ listen: `unix:${listen}` }],
    {
      socketMode: "0600",
    },
  );
  await door.open(run);
  expect((await stat(listen)).mode & 0o777).toBe(0o600);
  expect(log.notice.mock.calls.map(([event, , facts]) => [event, facts])).toEqual([
    ["socket_directory_made", { directory: join(directory, "made") }],
  ]);
  await door.stop();
});

test("a reload reads the files of links again", async () => {
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "a-token-of-16-signs");
  const { door } = await doorWith({ tag: "AcceptAt", contents: pathOf("tracer") }, [
    { connect: "wss://127.0.0.1:1/nodes", tokenFile },
  ]);
  await door.open(run);
  await door.readChange();
  await rm(tokenFile);
  await expect(door.readChange()).rejects.toThrow(tokenFile);
  await door.stop();
});
