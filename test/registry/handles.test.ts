import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { operationsPerRoot } from "../../src/registry/process-limit.js";
import { closesOfLogs, errno, Gate, hang } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  lines,
  nameAfter,
  openFiles,
  passPause,
  settled,
  startName,
  temporaryDirectory,
  testRegistry,
  textOf,
  watch,
} from "./test-registry.js";

test("a handle stays open across appends", async () => {
  const { registry, log, root } = await testRegistry();
  for (let i = 0; i < 10; i += 1) await registry.append(log("a"), lines(`${i}`));
  expect(registry.stats()).toMatchObject({ opened: 1, hits: 9, misses: 1, openNow: 1, evicted: 0 });
  expect(openFiles(root)).toEqual([`a/${startName}`]);
});

test("beyond the limit the least recently used handle is closed, and its log continues in the same file", async () => {
  const { registry, log, root } = await testRegistry({ maxOpenFiles: 2 });
  for (const directory of ["a", "b", "c"]) registry.acquire(log(directory));
  for (const directory of ["a", "b", "a", "c"]) await registry.append(log(directory), lines("1"));
  expect(openFiles(root)).toEqual([`a/${startName}`, `c/${startName}`]);
  await registry.append(log("b"), lines("2"));
  expect(openFiles(root)).toEqual([`b/${startName}`, `c/${startName}`]);
  expect(textOf(log("b"), startName)).toBe("1\n2\n");
  expect(fileNames(log("b"))).toHaveLength(1);
  expect(registry.stats()).toMatchObject({ evicted: 2, reopened: 1, created: 3, opened: 4, openNow: 2 });
});

test("a log whose handle was closed continues in its own file, even in a later second", async () => {
  const { registry, log, clock } = await testRegistry({ maxOpenFiles: 1 });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  await registry.append(log("b"), lines("1"));
  clock.advance(5_000);
  await registry.append(log("a"), lines("2"));
  expect(fileNames(log("a"))).toEqual([startName]);
  expect(allText(log("a"))).toBe("1\n2\n");
});

test("a handle with a write in progress is never closed for another", async () => {
  const { registry, log, disk, root } = await testRegistry({ maxOpenFiles: 1 });
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const busy = registry.append(log("busy"), lines("1"));
  await eventually(() => gate.arrived === 1);
  const waiting = watch(registry.append(log("waiting"), lines("2")));
  await settled();
  expect(waiting.isSettled).toBe(false);
  expect(openFiles(root)).toEqual([`busy/${startName}`]);
  gate.open();
  await busy;
  await eventually(() => waiting.isSettled);
  expect(allText(log("busy"))).toBe("1\n");
  expect(allText(log("waiting"))).toBe("2\n");
});

test("a permit is free only once the previous handle is closed, however long that takes", async () => {
  const { registry, log, disk } = await testRegistry({ maxOpenFiles: 1 });
  await registry.append(log("a"), lines("1"));
  const gate = new Gate();
  disk.rules.close = closesOfLogs(disk, gate);
  const opened = disk.calls.length;
  const second = registry.append(log("b"), lines("2"));
  await eventually(() => gate.arrived === 1);
  await settled();
  expect(registry.stats().openNow).toBe(1);
  expect(disk.calls.slice(opened).filter((call) => call.startsWith("open node"))).toEqual([]);
  gate.open();
  await second;
});

test("one handle is closed for each waiting log, and no more", async () => {
  const { registry, log, disk } = await testRegistry({ maxOpenFiles: 4 });
  for (const directory of ["a", "b", "c", "d"]) await registry.append(log(directory), lines("1"));
  const gate = new Gate();
  disk.rules.close = closesOfLogs(disk, gate);
  const more = [registry.append(log("e"), lines("1")), registry.append(log("f"), lines("1"))];
  await eventually(() => gate.arrived === 2);
  await settled();
  expect(registry.stats().evicted).toBe(2);
  gate.open();
  await Promise.all(more);
  expect(registry.stats()).toMatchObject({ evicted: 2, openNow: 4 });
});

test("logs that wait for a handle get one in the order of their requests", async () => {
  const { registry, log } = await testRegistry({ maxOpenFiles: 1 });
  const order: string[] = [];
  const directories = ["d", "a", "c", "b", "e"];
  for (const directory of directories) {
    registry.acquire(log(directory));
    await registry.append(log(directory), lines("1"));
  }
  await registry.append(log("last"), lines("1"));
  await Promise.all(
    directories.map(async (directory) => {
      await registry.append(log(directory), lines("2"));
      order.push(directory);
    }),
  );
  expect(order).toEqual(directories);
});

test("a log that always has more to write gives others the only handle in between", async () => {
  const { registry, log } = await testRegistry({ maxOpenFiles: 1 });
  // Already known, it asks for a handle at once.
  registry.acquire(log("other"));
  await registry.append(log("other"), lines("y"));
  let written = 0;
  let isOver = false;
  const flood = async () => {
    while (!isOver) {
      await registry.append(log("flood"), lines("x"));
      written += 1;
    }
  };
  const floods = Promise.all([flood(), flood(), flood()]);
  await eventually(() => written > 10);
  const before = written;
  await registry.append(log("other"), lines("y"));
  isOver = true;
  await floods;
  // The appends in progress of three callers, each with one at a time.
  expect(written - before).toBeLessThanOrEqual(6);
  expect(allText(log("flood"))).toBe("x\n".repeat(written));
});

test("200 logs that rotate every second make progress on 16 handles, each line once and in order", async () => {
  const rotation = { frequencyMs: 1_000, limitBytes: 20, maxAgeMs: 1e12, keepFiles: 0 };
  const { registry, log, clock, disk } = await testRegistry({ rotation, maxOpenFiles: 16 });
  let open = 0;
  let mostOpen = 0;
  disk.rules.open = async (real, ...args) => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    return real(...args);
  };
  disk.rules.close = async (real, fd) => {
    await real(fd);
    open -= 1;
  };
  const logs = Array.from({ length: 200 }, (_, i) => log(`node-${i}`));
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(
      logs.flatMap((id) => [0, 1, 2].map((i) => registry.append(id, lines(`${id.directory} ${round} ${i}`)))),
    );
    clock.advance(1_000);
  }
  expect(mostOpen).toBeLessThanOrEqual(16);
  expect(registry.stats().openNow).toBeLessThanOrEqual(16);
  for (const id of logs) {
    const expected = [0, 1, 2, 3].flatMap((round) => [0, 1, 2].map((i) => `${id.directory} ${round} ${i}\n`));
    expect(allText(id)).toBe(expected.join(""));
    expect(fileNames(id).length).toBeGreaterThanOrEqual(4);
  }
});

test("a handle idle for the timeout is closed, and the next line opens the same file again", async () => {
  const { registry, log, clock, root } = await testRegistry({ idleTimeoutMs: 1_000 });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  clock.advance(500);
  await registry.append(log("b"), lines("1"));
  clock.advance(500);
  await eventually(() => openFiles(root).length === 1);
  expect(openFiles(root)).toEqual([`b/${startName}`]);
  expect(registry.stats()).toMatchObject({ idleClosed: 1, evicted: 0 });
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), startName)).toBe("1\n2\n");
  expect(registry.stats()).toMatchObject({ reopened: 1, created: 2 });
});

test("a handle in use is not idle, however long its write takes", async () => {
  const { registry, log, clock, disk, root } = await testRegistry({ idleTimeoutMs: 1_000 });
  await registry.append(log("a"), lines("1"));
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const append = registry.append(log("a"), lines("2"));
  await eventually(() => gate.arrived === 1);
  clock.advance(10_000);
  await settled();
  expect(openFiles(root)).toHaveLength(1);
  gate.open();
  await append;
});

test("a reopening waits for a hanging close for half a second and no longer", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  for (const directory of ["a", "b"]) await registry.append(log(directory), lines("1"));
  disk.rules.close = (real, fd) => (disk.pathOf(fd).includes("/a/") ? hang() : real(fd));
  const reopened = watch(registry.reopen());
  await eventually(() => clock.pauses.includes(500));
  clock.advance(499);
  await settled();
  expect(reopened.isSettled).toBe(false);
  clock.advance(1);
  await eventually(() => reopened.isSettled);
  await registry.append(log("b"), lines("2"));
  expect(allText(log("b"))).toBe("1\n2\n");
});

test("a reopening does not wait for a disk that does not answer", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  disk.rules.lstat = () => hang();
  const reopened = watch(registry.reopen());
  await passPause(clock);
  await eventually(() => reopened.isSettled);
});

test("with an idle timeout of 0 handles stay open", async () => {
  const { registry, log, clock, root } = await testRegistry({ idleTimeoutMs: 0 });
  await registry.append(log("a"), lines("1"));
  clock.advance(1e9);
  await settled();
  expect(openFiles(root)).toHaveLength(1);
});

test("a released log closes its file and is forgotten, and its next user continues in the same file", async () => {
  const { registry, log, root } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  registry.release(log("a"));
  expect(registry.stats().logsNow).toBe(0);
  await eventually(() => registry.stats().openNow === 0);
  expect(openFiles(root)).toEqual([]);
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), startName)).toBe("1\n2\n");
  expect(fileNames(log("a"))).toHaveLength(1);
});

test("releasing a log that nobody acquired changes nothing", async () => {
  const { registry, log } = await testRegistry();
  registry.release(log("a"));
  await registry.append(log("a"), lines("1"));
  expect(registry.stats().logsNow).toBe(1);
});

test("a log is kept until its last user releases it", async () => {
  const { registry, log, root } = await testRegistry();
  registry.acquire(log("a"));
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  registry.release(log("a"));
  await settled();
  expect(registry.stats().logsNow).toBe(1);
  expect(openFiles(root)).toHaveLength(1);
  registry.release(log("a"));
  await eventually(() => openFiles(root).length === 0);
  expect(registry.stats().logsNow).toBe(0);
});

test("a log released with unwritten lines is forgotten only once they are written", async () => {
  const { registry, log, clock, disk, root } = await testRegistry();
  registry.acquire(log("a"));
  let fails = true;
  disk.rules.write = (real, ...args) => (fails ? Promise.reject(errno("ENOSPC")) : real(...args));
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  registry.release(log("a"));
  const drained = registry.drained(log("a"));
  await settled();
  expect(registry.stats()).toMatchObject({ logsNow: 1, unwrittenBytesNow: 2 });
  fails = false;
  await passPause(clock);
  await Promise.all([append, drained]);
  await eventually(() => registry.stats().logsNow === 0 && openFiles(root).length === 0);
  expect(allText(log("a"))).toBe("1\n");
});

test("a log acquired again during a fault appends after its earlier lines", async () => {
  const { registry, log, clock, disk } = await testRegistry();
  registry.acquire(log("a"));
  let fails = true;
  disk.rules.write = (real, ...args) => (fails ? Promise.reject(errno("ENOSPC")) : real(...args));
  const first = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  registry.release(log("a"));
  registry.acquire(log("a"));
  const second = registry.append(log("a"), lines("2"));
  fails = false;
  await passPause(clock);
  await Promise.all([first, second]);
  await settled();
  expect(allText(log("a"))).toBe("1\n2\n");
  expect(registry.stats()).toMatchObject({ logsNow: 1, openNow: 1 });
});

test("nothing is remembered of directories that come and go, however many", async () => {
  const { registry, log } = await testRegistry({ maxOpenFiles: 4 });
  for (let i = 0; i < 300; i += 1) {
    registry.acquire(log(`d${i}`));
    await registry.append(log(`d${i}`), lines("x"));
    registry.release(log(`d${i}`));
  }
  expect(registry.stats().logsNow).toBe(0);
  await eventually(() => registry.stats().openNow === 0);
});

test("a log that nobody acquired is remembered only while its handle is open", async () => {
  const { registry, log } = await testRegistry({ maxOpenFiles: 3 });
  for (let i = 0; i < 20; i += 1) await registry.append(log(`d${i}`), lines("x"));
  expect(registry.stats().logsNow).toBe(3);
});

test("reopening closes every handle, and the next lines go to the same files", async () => {
  const { registry, log, root } = await testRegistry();
  for (const directory of ["a", "b"]) {
    registry.acquire(log(directory));
    await registry.append(log(directory), lines("1"));
  }
  await registry.reopen();
  expect(openFiles(root)).toEqual([]);
  for (const directory of ["a", "b"]) await registry.append(log(directory), lines("2"));
  for (const directory of ["a", "b"]) expect(textOf(log(directory), startName)).toBe("1\n2\n");
  expect(registry.stats()).toMatchObject({ reopened: 2, created: 2, vanished: 0 });
});

test("a file that cannot be opened again for a while is continued once it can", async () => {
  const { registry, log, clock, disk, events } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  await registry.reopen();
  disk.rules.open = () => Promise.reject(errno("EACCES", "open"));
  const append = registry.append(log("a"), lines("2"));
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.open;
  await passPause(clock);
  await append;
  expect(textOf(log("a"), startName)).toBe("1\n2\n");
  expect(events.map(([event]) => event)).toEqual(["faultBegan", "faultOver"]);
});

test("reopening resolves when the handles are closed", async () => {
  const { registry, log, disk } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  const gate = new Gate();
  disk.rules.close = closesOfLogs(disk, gate);
  const reopened = watch(registry.reopen());
  await eventually(() => gate.arrived === 1);
  await settled();
  expect(reopened.isSettled).toBe(false);
  gate.open();
  await eventually(() => reopened.isSettled);
});

test("a file moved away before a reopening is not followed: a new one is created", async () => {
  const { registry, log, root, events } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  renameSync(join(root, "a", startName), join(root, "a", "moved.json"));
  await registry.reopen();
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), "moved.json")).toBe("1\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
  expect(events).toEqual([["vanished", join(root, "a", startName), "deleted or renamed"]]);
  expect(registry.stats()).toMatchObject({ vanished: 1, reopened: 0, openNow: 1 });
});

test("after reopening, another file with the current name is not written to, and its handle is not kept", async () => {
  const { registry, log, root, disk } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  await registry.reopen();
  renameSync(join(root, "a", startName), join(root, "a", "moved.json"));
  writeFileSync(join(root, "a", startName), "stranger\n");
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), startName)).toBe("stranger\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
  expect(disk.descriptors.size).toBe(1);
});

test.each([
  { what: "a directory", put: (path: string) => mkdirSync(path) },
  { what: "a named pipe", put: (path: string) => execFileSync("mkfifo", [path]) },
])("after reopening, $what in place of the file is left alone", async ({ put }) => {
  const { registry, log, root, disk } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  await registry.reopen();
  unlinkSync(join(root, "a", startName));
  put(join(root, "a", startName));
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
  expect(disk.descriptors.size).toBe(1);
});

test("reopening closes a busy handle as soon as its lines are written", async () => {
  const { registry, log, disk, root } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const append = registry.append(log("a"), lines("2"));
  await eventually(() => gate.arrived === 1);
  await registry.reopen();
  expect(openFiles(root)).toHaveLength(1);
  gate.open();
  await append;
  await eventually(() => openFiles(root).length === 0);
  await registry.append(log("a"), lines("3"));
  expect(textOf(log("a"), startName)).toBe("1\n2\n3\n");
});

test("more busy logs than handles are reported once, and again ten minutes later", async () => {
  const { registry, log, clock, events } = await testRegistry({ maxOpenFiles: 2 });
  const round = async () => {
    for (const directory of ["a", "b", "c"]) await registry.append(log(directory), lines("x"));
  };
  await round();
  await round();
  expect(events).toEqual([["workingSetTooLarge", 2]]);
  clock.advance(599_999);
  await round();
  await round();
  expect(events).toHaveLength(1);
  clock.advance(1);
  await round();
  expect(events).toHaveLength(2);
});

test.each([
  // Their idle time is then exactly, or twice, what counts as brief.
  { maxOpenFiles: 1, evicted: 3 },
  { maxOpenFiles: 2, evicted: 2 },
])(
  "closing handles that were unused for a while does not count as more than $maxOpenFiles busy logs",
  async ({ maxOpenFiles, evicted }) => {
    const { registry, log, clock, events } = await testRegistry({ maxOpenFiles });
    for (const directory of ["a", "b", "c", "d"]) {
      await registry.append(log(directory), lines("x"));
      clock.advance(10_000);
    }
    expect(registry.stats().evicted).toBe(evicted);
    expect(events).toEqual([]);
  },
);

test("a file that cannot be opened returns its permit", async () => {
  const { registry, log, clock, disk } = await testRegistry({ maxOpenFiles: 1 });
  disk.rules.open = (real, path, ...rest) =>
    path.includes("/denied/") ? Promise.reject(errno("EACCES", "open")) : real(path, ...rest);
  void registry.append(log("denied"), lines("x")).catch(() => {});
  for (let i = 0; i < 3; i += 1) await passPause(clock);
  await registry.append(log("a"), lines("y"));
  expect(allText(log("a"))).toBe("y\n");
  expect(registry.stats().openNow).toBe(1);
});

test("a full disk closes idle handles: one may hold the space of a deleted file", async () => {
  const { registry, log, clock, disk, root } = await testRegistry();
  for (const directory of ["a", "b"]) await registry.append(log(directory), lines("1"));
  unlinkSync(join(root, "a", startName));
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const append = registry.append(log("b"), lines("2"));
  await eventually(() => clock.pauses.length > 0 && openFiles(root).length === 1);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(allText(log("b"))).toBe("1\n2\n");
});

test("a lasting shortage of handles is retried, and closes no handle if none is open", async () => {
  const { registry, log, clock, disk } = await testRegistry();
  disk.rules.open = () => Promise.reject(errno("EMFILE", "open"));
  const append = registry.append(log("a"), lines("1"));
  for (let i = 0; i < 3; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.open;
  await passPause(clock);
  await append;
  expect(registry.stats()).toMatchObject({ evicted: 0, failedAttempts: 4, openNow: 1 });
});

test.each(["EMFILE", "ENFILE"])(
  "%s closes every idle handle, and the next attempt writes the line",
  async (code) => {
    const { registry, log, clock, disk, root } = await testRegistry();
    for (const directory of ["a", "b", "c"]) await registry.append(log(directory), lines("1"));
    disk.rules.open = (real, path, ...rest) =>
      openFiles(root).length >= 3 ? Promise.reject(errno(code, "open")) : real(path, ...rest);
    const append = registry.append(log("d"), lines("1"));
    await eventually(() => clock.pauses.length > 0);
    await eventually(() => openFiles(root).length === 0);
    expect(registry.faults()).toMatchObject([{ operation: "open", error: { code } }]);
    expect(registry.stats().evicted).toBe(3);
    await passPause(clock);
    await append;
    expect(allText(log("d"))).toBe("1\n");
    expect(registry.faults()).toEqual([]);
  },
);

test.each([
  { asked: 4_096, processLimit: 1_024, roots: 1, effective: 496 },
  { asked: 100, processLimit: 1_024, roots: 1, effective: 100 },
  { asked: 4_096, processLimit: 20, roots: 1, effective: 1 },
  { asked: 5, processLimit: 1_024, roots: 2, effective: 5 },
  { asked: 1, processLimit: 1_024, roots: 2, effective: 2 },
])(
  "of $asked requested handles, with a process limit of $processLimit and $roots roots, $effective are used",
  async (row) => {
    const roots = Array.from({ length: row.roots }, temporaryDirectory);
    const { registry } = await testRegistry({
      roots,
      maxOpenFiles: row.asked,
      processLimit: row.processLimit,
    });
    expect(registry.stats().maxOpenFiles).toBe(row.effective);
  },
);

test("a hanging root uses neither handles nor operations of another root", async () => {
  const roots = [temporaryDirectory(), temporaryDirectory()];
  const { registry, disk } = await testRegistry({ roots, maxOpenFiles: 4 });
  const [dead, living] = roots as [string, string];
  const id = (root: string, directory: string) => ({ root, directory, extension: "json" }) as const;
  for (let i = 0; i < 3; i += 1) await registry.append(id(dead, `a${i}`), lines("1"));
  const deadFds = new Set<number>();
  let underWay = 0;
  disk.rules.lstat = (real, path) => {
    if (!path.startsWith(dead)) return real(path);
    underWay += 1;
    return hang();
  };
  disk.rules.open = async (real, path, ...rest) => {
    if (path.startsWith(dead)) {
      underWay += 1;
      return hang();
    }
    return real(path, ...rest);
  };
  disk.rules.close = (real, fd) => (deadFds.has(fd) ? hang() : real(fd));
  for (let i = 0; i < 30; i += 1) void registry.append(id(dead, `a${i}`), lines("2")).catch(() => {});
  await settled();
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([0, 1, 2, 3].map((i) => registry.append(id(living, `b${i}`), lines("1"))));
  }
  expect(underWay).toBe(operationsPerRoot(2));
  expect(allText(id(living, "b3"))).toBe("1\n".repeat(3));
});

test("one log that hangs delays no other log of its root", async () => {
  const { registry, log, disk } = await testRegistry({ maxOpenFiles: 2 });
  disk.rules.lstat = (real, path) => (path.includes("/dead/node-") ? hang() : real(path));
  const dead = watch(registry.append(log("dead"), lines("x")));
  for (let i = 0; i < 5; i += 1) await registry.append(log(`d${i}`), lines("y"));
  expect(dead.isSettled).toBe(false);
});
