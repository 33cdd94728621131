import { rename, rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { expectAllInOrder, expectEndInOrder } from "../end-to-end/arrival.js";
import { pages, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { SmallDisk } from "./small-disk.js";

test("a node's deleted directory is created again with the next lines", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await using node = await nodeAt(place.socket, { name: "evicted", count: 3_000, rate: 1_500 });
  await eventually(async () => expect(await place.linesOf("evicted")).not.toHaveLength(0));
  // Until nothing is created between the end of the last file and that of the directory.
  await eventually(() => rm(place.path("logs", "evicted"), { recursive: true }));
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  const lines = await place.linesOf("evicted");
  expect(lines).not.toHaveLength(0);
  expectEndInOrder(lines, 3_000);
});

test("a renamed logRoot keeps its lines, and a new one gets the rest", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const names = ["a", "b", "c"];
  const nodes = await Promise.all(
    names.map((name) => nodeAt(place.socket, { name, count: 3_000, rate: 1_500 })),
  );
  for (const name of names)
    await eventually(async () => expect(await place.linesOf(name)).not.toHaveLength(0));
  await rename(place.logRoot, place.path("elsewhere"));
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  for (const name of names) {
    const before = await place.linesOf(name, { logRoot: place.path("elsewhere") });
    const after = await place.linesOf(name);
    expect(after).not.toHaveLength(0);
    expectAllInOrder([...before, ...after], 3_000);
  }
});

test("a read-only logRoot delays lines and loses none; health says so, and recovers", async (context) => {
  await using place = await Workplace.open();
  // Permissions would not be enough: the superuser may write despite them.
  await using disk = await SmallDisk.mount(context, place.logRoot, "16m");
  const daemon = await place.start(pages);
  const ready = async () => (await daemon.page("/readyz")).status;
  expect(await ready()).toBe(200);
  await disk.remount("ro");
  await using node = await nodeAt(place.socket, { name: "denied", count: 3_000 });
  expect((await daemon.logged("write_failed")).code).toBe("EROFS");
  await eventually(async () => expect(await ready()).toBe(503));
  await disk.remount("rw");
  await daemon.logged("write_recovered");
  await node.finished;
  await eventually(async () => expect(await ready()).toBe(200));
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("denied"), 3_000);
});
