import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RegistryStopped } from "../../src/registry/handle-registry.js";
import { closesOfLogs, errno, Gate, hang } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  lines,
  openFiles,
  passPause,
  settled,
  temporaryDirectory,
  testRegistry,
  watch,
} from "./test-registry.js";

test("a stop writes pending lines, closes every handle, removes its claims and leaves no timer", async () => {
  const rotation = { frequencyMs: 1_000, limitBytes: 100, maxAgeMs: 1e12, keepFiles: 1 };
  const { registry, log, root, disk, clock } = await testRegistry({
    rotation,
    idleTimeoutMs: 1_000,
    maxOpenFiles: 2,
  });
  const appends = ["a", "b", "c", "a"].map((directory) => registry.append(log(directory), lines(directory)));
  await registry.stop();
  await Promise.all(appends);
  expect(["a", "b", "c"].map((directory) => allText(log(directory)))).toEqual(["a\na\n", "b\n", "c\n"]);
  expect(openFiles(root)).toEqual([]);
  expect(disk.descriptors.size).toBe(0);
  expect(existsSync(join(root, ".muninn"))).toBe(false);
  expect(clock.timers).toBe(0);
  expect(registry.stats()).toMatchObject({ openNow: 0, unwrittenBytesNow: 0 });
});

test("a stop waits for lines that a fault delays, up to its deadline", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  const stopped = watch(registry.stop({ deadlineMs: 5_000 }));
  await passPause(clock);
  await eventually(() => clock.pauses.length > 1);
  expect(stopped.isSettled).toBe(false);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  await eventually(() => stopped.isSettled);
  expect(allText(log("a"))).toBe("1\n");
});

test("lines unwritten shortly before the deadline are rejected, and the fault is no longer retried", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const appends = [registry.append(log("a"), lines("1")), registry.append(log("a"), lines("2"))];
  const rejected = Promise.all(
    appends.map((append) => expect(append).rejects.toBeInstanceOf(RegistryStopped)),
  );
  await eventually(() => clock.pauses.length > 0);
  const stopped = registry.stop({ deadlineMs: 1_000 });
  clock.advance(749);
  await settled();
  expect(registry.stats().unwrittenBytesNow).toBe(4);
  clock.advance(1);
  await rejected;
  await stopped;
  const attempts = registry.stats().failedAttempts;
  expect(openFiles(root)).toEqual([]);
  expect(existsSync(join(root, ".muninn"))).toBe(false);
  clock.advance(10_000);
  await settled();
  expect(registry.stats()).toMatchObject({ failedAttempts: attempts, unwrittenBytesNow: 0, openNow: 0 });
  expect(clock.timers).toBe(0);
});

test("a write that hangs in the kernel does not hold the stop beyond its deadline, and its root stays claimed", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  disk.rules.write = () => hang();
  const rejected = expect(registry.append(log("a"), lines("1"))).rejects.toBeInstanceOf(RegistryStopped);
  const drained = watch(registry.drained(log("a")));
  await eventually(() => disk.calls.includes("write"));
  const stopped = watch(registry.stop({ deadlineMs: 1_000 }));
  clock.advance(750);
  await rejected;
  await eventually(() => drained.isSettled && clock.pauses.length > 0);
  expect(stopped.isSettled).toBe(false);
  clock.advance(250);
  await eventually(() => stopped.isSettled);
  expect(existsSync(join(root, ".muninn"))).toBe(true);
});

test("a stop reports what it leaves unwritten, and which calls have not returned", async () => {
  const [dead, well] = [temporaryDirectory(), temporaryDirectory()];
  const { registry, disk, clock } = await testRegistry({ roots: [dead, well] });
  const place = (root: string, directory: string) => ({ root, directory, extension: "json" as const });
  await registry.append(place(well, "a"), lines("1"));
  disk.rules.write = () => hang();
  const rejected = Promise.all(
    [place(dead, "a"), place(dead, "b")].map((id) =>
      expect(registry.append(id, lines("12345"))).rejects.toBeInstanceOf(RegistryStopped),
    ),
  );
  await eventually(() => disk.calls.filter((call) => call === "write").length === 2);
  const stopping = registry.stop({ deadlineMs: 1_000 });
  clock.advance(750);
  await rejected;
  await eventually(() => clock.pauses.length > 0 && !existsSync(join(well, ".muninn")));
  clock.advance(250);
  expect(await stopping).toEqual({ unwrittenBytes: 12, hanging: [dead] });
  expect(await registry.stop()).toEqual({ unwrittenBytes: 12, hanging: [dead] });
});

test("a stop that leaves nothing unwritten reports that", async () => {
  const { registry, log } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  expect(await registry.stop()).toEqual({ unwrittenBytes: 0, hanging: [] });
});

test("a root stays claimed while a write to it is in progress, even one that was given up", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const rejected = expect(registry.append(log("a"), lines("1"))).rejects.toBeInstanceOf(RegistryStopped);
  await eventually(() => gate.arrived === 1);
  const stopped = registry.stop({ deadlineMs: 1_000 });
  clock.advance(750);
  await rejected;
  await settled();
  expect(existsSync(join(root, ".muninn"))).toBe(true);
  gate.open();
  await stopped;
  expect(existsSync(join(root, ".muninn"))).toBe(false);
});

test("a write that ends only after the stop does no harm: its handle is closed", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const rejected = expect(registry.append(log("a"), lines("1"))).rejects.toBeInstanceOf(RegistryStopped);
  await eventually(() => gate.arrived === 1);
  const stopped = registry.stop({ deadlineMs: 100 });
  clock.advance(75);
  await rejected;
  await eventually(() => clock.pauses.length > 0);
  clock.advance(25);
  await stopped;
  gate.open();
  // The kernel, the registry's count and the lock each have their own moment.
  await eventually(() => registry.stats().openNow === 0 && openFiles(root).length === 0);
  expect(registry.stats()).toMatchObject({ pinnedNow: 0, unwrittenBytesNow: 0 });
});

test("a stop that finds logs waiting for handles creates no file for them", async () => {
  const { registry, log, disk, clock, root } = await testRegistry({ maxOpenFiles: 1 });
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const appends = ["a", "b", "c"].map((directory) => registry.append(log(directory), lines("x")));
  const rejected = Promise.all(
    appends.map((append) => expect(append).rejects.toBeInstanceOf(RegistryStopped)),
  );
  await eventually(() => gate.arrived === 1 && existsSync(join(root, "c")));
  await settled();
  const stopped = registry.stop({ deadlineMs: 1_000 });
  clock.advance(750);
  await rejected;
  gate.open();
  await stopped;
  expect(["a", "b", "c"].map((directory) => fileNames(log(directory)).length).sort()).toEqual([0, 0, 1]);
  expect(openFiles(root)).toEqual([]);
  expect(registry.stats()).toMatchObject({ openNow: 0, failedAttempts: 0 });
});

test("a stop is idempotent, and a second one waits for the first", async () => {
  const { registry, log, disk, root } = await testRegistry();
  const gate = new Gate();
  disk.rules.close = closesOfLogs(disk, gate);
  await registry.append(log("a"), lines("1"));
  const first = watch(registry.stop());
  const second = watch(registry.stop({ deadlineMs: 0 }));
  await eventually(() => gate.arrived === 1);
  await settled();
  expect([first.isSettled, second.isSettled]).toEqual([false, false]);
  gate.open();
  await eventually(() => first.isSettled && second.isSettled);
  await registry.stop();
  expect(openFiles(root)).toEqual([]);
});

test("after a stop every append is refused", async () => {
  const { registry, log, root } = await testRegistry();
  await registry.stop();
  await expect(registry.append(log("a"), lines("1"))).rejects.toBeInstanceOf(RegistryStopped);
  expect(existsSync(join(root, "a"))).toBe(false);
});

test("the registry stops when its scope ends", async () => {
  const { registry, log, root } = await testRegistry();
  {
    await using scoped = registry;
    await scoped.append(log("a"), lines("1"));
  }
  expect(existsSync(join(root, ".muninn"))).toBe(false);
  expect(openFiles(root)).toEqual([]);
});
