import { execFile } from "node:child_process";
import { mkdir, readdir, readlink, rename, rm, unlink, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { expectAllInOrder, numbersIn } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

const run = promisify(execFile);

test("a full disk delays lines and loses none; health says so, and recovers", async (context) => {
  await using place = await Workplace.open();
  await mkdir(place.logRoot);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", place.logRoot]);
  } catch (error) {
    return context.skip(`no tmpfs can be mounted here: ${error}`);
  }
  try {
    await writeFile(place.path("logs", "ballast"), Buffer.alloc(1_500_000));
    const daemon = await place.start({ hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } });
    const { served } = await daemon.logged("started");
    const ready = `http://${(served as Record<string, string>).prometheus}/readyz`;
    expect((await fetch(ready)).status).toBe(200);
    await using node = await nodeAt(place.socket, { name: "patient", count: 3_000, size: 300 });
    await daemon.logged("write_failed");
    await eventually(async () => expect((await fetch(ready)).status).toBe(503));
    const sent = node.report().objectsSent;
    await rm(place.path("logs", "ballast"));
    await daemon.logged("write_recovered");
    await eventually(async () => expect((await fetch(ready)).status).toBe(200));
    await node.finished;
    expect(node.report().objectsSent).toBeGreaterThan(sent);
    await node.stop();
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("patient"), 3_000);
    expect(daemon.log.filter(({ event }) => event === "write_failed")).toHaveLength(1);
  } finally {
    await run("umount", [place.logRoot]);
  }
});

test("a file system that becomes read-only delays lines and loses none", async (context) => {
  await using place = await Workplace.open();
  await mkdir(place.logRoot);
  try {
    await run("mount", ["-t", "tmpfs", "tmpfs", place.logRoot]);
  } catch (error) {
    return context.skip(`no tmpfs can be mounted here: ${error}`);
  }
  try {
    // Files that are open for writing would keep it from becoming read-only.
    const daemon = await place.start({ muninn: { registry: { idleTimeout: "100ms" } } });
    await using first = await nodeAt(place.socket, { name: "first", count: 100 });
    await first.finished;
    await eventually(() => run("mount", ["-o", "remount,ro", place.logRoot]));
    await using second = await nodeAt(place.socket, { name: "second", count: 3_000 });
    await daemon.logged("write_failed");
    await run("mount", ["-o", "remount,rw", place.logRoot]);
    await daemon.logged("write_recovered");
    await second.finished;
    await Promise.all([first.stop(), second.stop()]);
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("first"), 100);
    expectAllInOrder(await place.linesOf("second"), 3_000);
  } finally {
    await run("umount", [place.logRoot]);
  }
});

test("a stop on a full disk ends with exit code 1 and the rest counted", async (context) => {
  await using place = await Workplace.open();
  await mkdir(place.logRoot);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place.logRoot]);
  } catch (error) {
    return context.skip(`no tmpfs can be mounted here: ${error}`);
  }
  try {
    const daemon = await place.start();
    await using node = await nodeAt(place.socket, { name: "stuck", size: 300 });
    await daemon.logged("write_failed");
    expect(await daemon.stop()).toBe(1);
    const { received, written, dropped } = await daemon.logged("stopped");
    expect(received).toBe((written as number) + (dropped as number));
    expect(dropped).toBeGreaterThan(0);
    expect(received).toBe(node.report().objectsSent);
  } finally {
    await run("umount", [place.logRoot]);
  }
});

test("a current file that is deleted is begun again with the next lines", async () => {
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
  const numbers = numbersIn(await place.linesOf("robbed"));
  // What was in the deleted file is gone with it; from there on everything is there, once.
  expect(numbers).toEqual(
    Array.from({ length: numbers.length }, (_, index) => 3_000 - numbers.length + index),
  );
  expect(await readlink(place.path("logs", "robbed", "node.json"))).not.toBe(first);
});

test("a log directory that is renamed keeps its lines, and a new one gets the rest", async () => {
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

test("SIGHUP after a rename begins a new file, as logrotate expects", async () => {
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

test("a second tracer on the same logRoot does not start, and says who is there", async () => {
  await using place = await Workplace.open();
  const first = await place.start();
  const second = await place.launch({ network: { tag: "AcceptAt", contents: place.path("other.sock") } });
  expect(await second.exited).toBe(1);
  expect((await second.logged("start_failed")).msg).toContain(String(first.pid));
  expect(await first.stop()).toBe(0);
});

test("the socket of a living tracer is not taken over, that of a dead one is", async () => {
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

test.each([
  ["JournalMode", { logging: [{ logRoot: "x", logMode: "JournalMode", logFormat: "ForHuman" }] }],
  [
    "hasForwarding",
    {
      hasForwarding: [
        { tag: "ConnectTo", contents: ["127.0.0.1:3"] },
        null,
        { tofQueueSize: 10, tofVerbosity: "Minimum" },
      ],
    },
  ],
])("%s, which is not served yet, stops the start with one sentence", async (field, config) => {
  await using place = await Workplace.open();
  const daemon = await place.launch(config);
  expect(await daemon.exited).toBe(2);
  expect(daemon.stderr).toContain(field);
  expect(daemon.stderr.split("\n")).toHaveLength(1);
});
