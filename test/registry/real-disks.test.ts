import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, type TestContext, test } from "vitest";
import { systemClock } from "../../src/registry/clock.js";
import { kernelFileSystem } from "../../src/registry/file-system.js";
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

/** Mounts something on a new directory until the test ends; skips the test if that is not allowed. */
function mounted(context: TestContext, ...args: string[]): string {
  const directory = temporaryDirectory();
  try {
    execFileSync("mount", [...args, directory], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    context.skip(`mounting is not allowed here: ${(error as Error).message}`);
  }
  onTestFinished(() => {
    try {
      execFileSync("umount", ["-l", directory], { stdio: "ignore" });
    } catch {
      // The test has done it itself.
    }
  });
  return directory;
}

function tmpfs(context: TestContext, options: string): string {
  return mounted(context, "-t", "tmpfs", "-o", options, "muninn-test");
}

/** Lines of one log with 36 kB in total, each with its number. */
function block(directory: string, number: number): Buffer {
  return Buffer.concat(
    Array.from({ length: 12 }, (_, i) => Buffer.from(`${directory} ${number} ${i} ${"x".repeat(3_000)}\n`)),
  );
}

test("a full disk delays lines, and once there is room all arrive once and in order", async (context) => {
  const root = tmpfs(context, "size=2m");
  writeFileSync(join(root, "filler"), Buffer.alloc(1_500_000));
  const { registry, log, events } = await testRegistry({ roots: [root], clock: systemClock });
  const directories = ["a", "b", "c"];
  const appends = directories.flatMap((directory) =>
    Array.from({ length: 12 }, (_, i) => registry.append(log(directory), block(directory, i))),
  );
  await eventually(() => registry.faults().length > 0);
  expect(registry.faults()[0]).toMatchObject({ error: { code: "ENOSPC" } });
  await eventually(() => registry.stats().failedAttempts > 3);
  expect(registry.stats().unwrittenBytesNow).toBeGreaterThan(0);
  unlinkSync(join(root, "filler"));
  await Promise.all(appends);
  for (const directory of directories) {
    const expected = Buffer.concat(Array.from({ length: 12 }, (_, i) => block(directory, i))).toString();
    expect(allText(log(directory))).toBe(expected);
    expect(readFileSync(join(root, directory, "node.json"), "utf8")).toBe(expected);
  }
  const [began, over] = ["faultBegan", "faultOver"].map(
    (what) => events.filter(([event]) => event === what).length,
  );
  expect(began).toBe(over);
  expect(registry.faults()).toEqual([]);
});

test("deleting Muninn's own current file frees a full disk", async (context) => {
  const root = tmpfs(context, "size=1m");
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock });
  let written = 0;
  let last = watch(Promise.resolve());
  while (registry.faults().length === 0) {
    last = watch(registry.append(log("a"), block("a", written)));
    written += 1;
    await eventually(() => last.isSettled || registry.faults().length > 0);
  }
  const [full] = fileNames(log("a"));
  unlinkSync(join(root, "a", full!));
  await eventually(() => last.isSettled);
  expect(allText(log("a"))).toBe(block("a", written - 1).toString());
  expect(fileNames(log("a"))).not.toContain(full);
});

test("a disk without a free inode delays lines until there is one", async (context) => {
  const root = tmpfs(context, "size=1m,nr_inodes=20");
  const fillers: string[] = [];
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock });
  try {
    for (;;) {
      const filler = join(root, `filler-${fillers.length}`);
      writeFileSync(filler, "");
      fillers.push(filler);
    }
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  }
  const append = registry.append(log("a"), lines("x"));
  await eventually(() => registry.faults().length > 0);
  expect(registry.faults()).toMatchObject([{ error: { code: "ENOSPC" } }]);
  for (const filler of fillers) rmSync(filler);
  await append;
  expect(allText(log("a"))).toBe("x\n");
});

test("a disk that becomes read-only delays lines until it is writable again", async (context) => {
  const root = tmpfs(context, "size=1m");
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock });
  await registry.append(log("a"), lines("1"));
  await registry.reopen();
  execFileSync("mount", ["-o", "remount,ro", root]);
  const appends = ["a", "b"].map((directory) => registry.append(log(directory), lines("2")));
  await eventually(() => registry.faults().length === 2);
  expect(registry.faults().map(({ error }) => error.code)).toEqual(["EROFS", "EROFS"]);
  execFileSync("mount", ["-o", "remount,rw", root]);
  await Promise.all(appends);
  expect(allText(log("a"))).toBe("1\n2\n");
  expect(allText(log("b"))).toBe("2\n");
});

test("nothing is written below the mount point of an unmounted volume, and lines continue there once it is back", async (context) => {
  const volume = tmpfs(context, "size=1m");
  mkdirSync(join(volume, "logs"));
  const root = mounted(context, "--bind", join(volume, "logs"));
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  execFileSync("umount", ["-l", root]);
  // The file is still open, so this line is safe in the volume.
  await registry.append(log("a"), lines("2"));
  const append = registry.append(log("a"), lines("3"));
  await eventually(() => registry.faults().length === 1);
  expect(registry.faults()).toMatchObject([{ error: { code: "ENODEV" } }]);
  expect(readdirSync(root)).toEqual([]);
  execFileSync("mount", ["--bind", join(volume, "logs"), root]);
  await append;
  expect(allText(log("a"))).toBe("1\n2\n3\n");
});

/** Device numbers of the files that this process has open. */
function devicesOfOpenFiles(): number[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [statSync(`/proc/self/fd/${fd}`).dev];
    } catch {
      return [];
    }
  });
}

/** A root with a tmpfs mounted on it, which is unmounted and replaced during a test. */
function replaceDisk(root: string): void {
  execFileSync("umount", ["-l", root]);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "muninn-test", root]);
}

test("a new, empty disk in place of the old one is accepted after five minutes, not before", async (context) => {
  const root = tmpfs(context, "size=1m");
  const { registry, log, clock, events } = await testRegistry({
    roots: [root],
    fileSystem: kernelFileSystem,
  });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  replaceDisk(root);
  await registry.append(log("a"), lines("safe on the old one"));
  const append = watch(registry.append(log("a"), lines("2")));
  await eventually(() => registry.faults().length === 1);
  expect(registry.faults()).toMatchObject([{ error: { code: "ENODEV" } }]);
  const since = clock.monotonic();
  while (clock.monotonic() - since < 295_000) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect([append.isSettled, readdirSync(root)]).toEqual([false, []]);
  while (!append.isSettled) {
    clock.advance(2_000);
    await settled();
  }
  expect(clock.monotonic() - since).toBeGreaterThanOrEqual(300_000);
  expect(allText(log("a"))).toBe("2\n");
  expect(readdirSync(root).sort()).toEqual([".muninn", "a"]);
  expect(events.filter(([event]) => event === "diskReplaced")).toEqual([["diskReplaced", root]]);
  expect(registry.faults()).toEqual([]);
});

test("a disk with files on it is accepted only after a reopening, and then at once", async (context) => {
  const root = tmpfs(context, "size=1m");
  const { registry, log, clock, events } = await testRegistry({
    roots: [root],
    fileSystem: kernelFileSystem,
  });
  for (const directory of ["a", "idle"]) registry.acquire(log(directory));
  for (const directory of ["a", "idle"]) await registry.append(log(directory), lines("1"));
  const before = statSync(root).dev;
  expect(devicesOfOpenFiles()).toContain(before);
  replaceDisk(root);
  mkdirSync(join(root, "a"));
  await registry.append(log("a"), lines("safe on the old one"));
  const append = watch(registry.append(log("a"), lines("2")));
  for (let i = 0; i < 300; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(append.isSettled).toBe(false);
  await registry.reopen();
  await eventually(() => {
    clock.advance(100);
    return append.isSettled;
  });
  expect(allText(log("a"))).toBe("2\n");
  expect(events.filter(([event]) => event === "diskReplaced")).toHaveLength(1);
  // The old disk is released: no handle keeps it busy, not even an idle one.
  await eventually(() => !devicesOfOpenFiles().includes(before));
  const second = await testRegistry({ roots: [root] });
  expect(await second.registry.claim("idle")).toMatchObject({ state: "taken" });
});

test("a volume that returns with another device number and Muninn's claims is accepted at once", async (context) => {
  const root = tmpfs(context, "size=1m");
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  await registry.reopen();
  const copy = temporaryDirectory();
  execFileSync("cp", ["-a", `${root}/.`, copy]);
  replaceDisk(root);
  execFileSync("cp", ["-a", `${copy}/.`, root]);
  await registry.append(log("a"), lines("2"));
  expect(allText(log("a"))).toBe("1\n2\n");
  const second = await testRegistry({ roots: [root] });
  expect(await second.registry.claim("a")).toMatchObject({ state: "taken" });
});

test("the mount point of an unmounted volume is accepted only after a reopening, however long that takes", async (context) => {
  const root = tmpfs(context, "size=1m");
  const { registry, log, clock } = await testRegistry({ roots: [root], fileSystem: kernelFileSystem });
  await registry.reopen();
  execFileSync("umount", ["-l", root]);
  const append = watch(registry.append(log("a"), lines("1")));
  for (let i = 0; i < 400; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect([append.isSettled, readdirSync(root)]).toEqual([false, []]);
  await registry.reopen();
  await eventually(() => {
    clock.advance(100);
    return append.isSettled;
  });
  expect(allText(log("a"))).toBe("1\n");
});

test("without a free inode a full file grows until there is one for the next file", async (context) => {
  const root = tmpfs(context, "size=1m,nr_inodes=20");
  const rotation = { frequencyMs: 60_000, limitBytes: 10, maxAgeMs: 1e12, keepFiles: 1_000 };
  const { registry, log, clock } = await testRegistry({ roots: [root], rotation });
  await registry.append(log("a"), lines("full------"));
  const fillers: string[] = [];
  expect(() => {
    for (;;) {
      const filler = join(root, `filler-${fillers.length}`);
      writeFileSync(filler, "");
      fillers.push(filler);
    }
  }).toThrow("ENOSPC");
  clock.advance(1_000);
  await registry.append(log("a"), lines("goes on"));
  expect(registry.faults()).toMatchObject([{ severity: "degraded", error: { code: "ENOSPC" } }]);
  for (const filler of fillers) rmSync(filler);
  clock.advance(1_000);
  await registry.append(log("a"), lines("new"));
  expect(fileNames(log("a")).map((name) => readFileSync(join(root, "a", name), "utf8"))).toEqual([
    "full------\ngoes on\n",
    "new\n",
  ]);
  expect(registry.faults()).toEqual([]);
});

test("a tracer starts on a full disk, and writes when there is room", async (context) => {
  const root = tmpfs(context, "size=1m,nr_inodes=3");
  writeFileSync(join(root, "filler-1"), "");
  writeFileSync(join(root, "filler-2"), "");
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock, identity: "same" });
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => registry.faults().length === 1);
  expect(registry.faults()).toMatchObject([{ error: { code: "ENOSPC" } }]);
  execFileSync("mount", ["-o", "remount,nr_inodes=100", root]);
  await append;
  expect(allText(log("a"))).toBe("1\n");
  await expect(testRegistry({ roots: [root], identity: "same" })).rejects.toMatchObject({
    fault: { code: "already-running" },
  });
});

test("no handle is left open after all these tests", async (context) => {
  const root = tmpfs(context, "size=64k");
  const { registry, log } = await testRegistry({ roots: [root], clock: systemClock, maxOpenFiles: 4 });
  const appends = Array.from({ length: 8 }, (_, i) =>
    registry.append(log(`d${i}`), block(`d${i}`, 0)).then(
      () => "safe",
      () => "rejected",
    ),
  );
  await eventually(() => registry.faults().length > 0);
  await registry.stop({ deadlineMs: 300 });
  expect(await Promise.all(appends)).toContain("rejected");
  await eventually(() => openFiles(root).length === 0);
});
