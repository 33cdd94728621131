import { execFile } from "node:child_process";
import { mkdir, readdir, readlink, rename, rm, unlink, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { expectAllInOrder, expectEndInOrder } from "../end-to-end/arrival.js";
import { pages, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { SmallDisk } from "./small-disk.js";

const run = promisify(execFile);

test("a full disk delays lines and loses none; health says so, and recovers", async (context) => {
  await using place = await Workplace.open();
  await using _ = await SmallDisk.mount(context, place.logRoot, "2m");
  await writeFile(place.path("logs", "ballast"), Buffer.alloc(1_500_000));
  // With requests ahead, all of the objects could be in flight before the disk is full.
  const daemon = await place.start({ ...pages, muninn: { requestsAhead: 1 } });
  const ready = async () => (await daemon.page("/readyz")).status;
  expect(await ready()).toBe(200);
  await using node = await nodeAt(place.socket, { name: "patient", count: 3_000, size: 300 });
  await daemon.logged("write_failed");
  await eventually(async () => expect(await ready()).toBe(503));
  const sent = node.report().objectsSent;
  await rm(place.path("logs", "ballast"));
  await daemon.logged("write_recovered");
  await eventually(async () => expect(await ready()).toBe(200));
  await node.finished;
  expect(node.report().objectsSent).toBeGreaterThan(sent);
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("patient"), 3_000);
  expect(daemon.log.filter(({ event }) => event === "write_failed")).toHaveLength(1);
});

test("a stop on a full disk exits with code 1 and counts the rest", async (context) => {
  await using place = await Workplace.open();
  await using _ = await SmallDisk.mount(context, place.logRoot, "1m");
  const daemon = await place.start();
  await using node = await nodeAt(place.socket, { name: "stuck", size: 300 });
  await daemon.logged("write_failed");
  expect(await daemon.stop()).toBe(1);
  const { msg, sinks } = await daemon.logged("stopped");
  const [{ received, written, dropped }] = sinks as [
    { received: number; written: number; dropped: { stopped: number } },
  ];
  expect(msg).toContain(`dropped ${dropped.stopped} of ${received} objects (stopped: ${dropped.stopped})`);
  expect(received).toBe(written + dropped.stopped);
  expect(dropped.stopped).toBeGreaterThan(0);
  expect(received).toBe(node.report().objectsSent);
});

test("a deleted current file is created again with the next lines", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await using node = await nodeAt(place.socket, { name: "robbed", count: 3_000, rate: 1_500 });
  await eventually(async () => expect(await place.linesOf("robbed")).not.toHaveLength(0));
  const [first] = (await readdir(place.path("logs", "robbed"))).filter((name) => name.startsWith("node-"));
  await unlink(place.path("logs", "robbed", first!));
  await daemon.logged("log_vanished");
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expectEndInOrder(await place.linesOf("robbed"), 3_000);
  expect(await readlink(place.path("logs", "robbed", "node.json"))).not.toBe(first);
});

test("a renamed log directory keeps its lines, and a new one gets the rest", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await using node = await nodeAt(place.socket, { name: "moved", count: 3_000, rate: 1_500 });
  await eventually(async () => expect(await place.linesOf("moved")).not.toHaveLength(0));
  await rename(place.path("logs", "moved"), place.path("logs", "elsewhere"));
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  const before = await place.linesOf("elsewhere");
  const after = await place.linesOf("moved");
  expect(after).not.toHaveLength(0);
  expectAllInOrder([...before, ...after], 3_000);
});

test("SIGHUP after a rename starts a new file, as logrotate expects", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await using node = await nodeAt(place.socket, { name: "rotated", count: 3_000, rate: 1_500 });
  await eventually(async () => expect(await place.linesOf("rotated")).not.toHaveLength(0));
  const [first] = (await readdir(place.path("logs", "rotated"))).filter((name) => name.startsWith("node-"));
  await rename(place.path("logs", "rotated", first!), place.path("logs", "rotated", "node-0.old"));
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  const old = (await run("cat", [place.path("logs", "rotated", "node-0.old")])).stdout;
  expectAllInOrder([...old.split("\n").slice(0, -1), ...(await place.linesOf("rotated"))], 3_000);
});

test("old files of an unconnected node are deleted at the start, whatever the frequency of rotation", async () => {
  await using place = await Workplace.open();
  await mkdir(place.path("logs", "gone"), { recursive: true });
  const names = ["node-2020-01-01T00-00-00.json", "node-2020-01-01T00-00-01.json"];
  for (const name of names) await writeFile(place.path("logs", "gone", name), "\n");
  await place.start({
    rotation: { rpFrequencySecs: 3_600, rpLogLimitBytes: 1_000, rpMaxAgeHours: 1, rpKeepFilesNum: 0 },
  });
  await eventually(async () => expect(await readdir(place.path("logs", "gone"))).toEqual(names.slice(1)));
});

test("tracers of different networks share a logRoot, each writing its own nodes; a second one of the same network is refused", async () => {
  await using place = await Workplace.open();
  const otherSocket = place.path("other.sock");
  const first = await place.start();
  const second = await place.launch({ network: { tag: "AcceptAt", contents: otherSocket } });
  await second.logged("started");
  const twin = await place.launch();
  expect(await twin.exited).toBe(1);
  expect((await twin.logged("start_failed")).msg).toContain(`process ${first.pid}`);
  await using one = await nodeAt(place.socket, { name: "one", count: 300 });
  await using two = await nodeAt(otherSocket, { name: "two", count: 300 });
  await Promise.all([one.finished, two.finished]);
  expect(await first.stop()).toBe(0);
  expect(await second.stop()).toBe(0);
  for (const name of ["one", "two"]) expectAllInOrder(await place.linesOf(name), 300);
  expect((await readdir(place.path("logs"))).sort()).toEqual(["one", "two"]);
});

test("a node connected to two tracers with one logRoot gets two directories, and the second tracer warns", async () => {
  await using place = await Workplace.open();
  const otherSocket = place.path("other.sock");
  const first = await place.start();
  const second = await place.launch({ network: { tag: "AcceptAt", contents: otherSocket } });
  await second.logged("started");
  await using one = await nodeAt(place.socket, { name: "relay", count: 300 });
  await one.finished;
  await first.logged("node_connected");
  await using two = await nodeAt(otherSocket, { name: "relay", count: 300 });
  await two.finished;
  expect((await second.logged("names_clash")).msg).toContain(`process ${first.pid}`);
  expect(await second.stop()).toBe(0);
  expect(await first.stop()).toBe(0);
  expect((await readdir(place.path("logs"))).sort()).toEqual(["relay", "relay_unix-1"]);
  for (const name of ["relay", "relay_unix-1"]) expect(await place.linesOf(name)).toHaveLength(300);
});

test("a tracer replaces the socket of a dead tracer, but not that of a living one", async () => {
  await using place = await Workplace.open();
  const first = await place.start();
  const logging = [{ logRoot: place.path("others"), logMode: "FileMode", logFormat: "ForMachine" }];
  const second = await place.launch({ logging });
  expect(await second.exited).toBe(1);
  expect((await second.logged("start_failed")).msg).toContain(place.socket);
  await first.kill();
  const third = await place.start({ logging });
  expect(await third.stop()).toBe(0);
});
