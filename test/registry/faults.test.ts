import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kernelFileSystem } from "../../src/registry/file-system.js";
import { errno, type Rules } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  leaveFile,
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

const rotation = { frequencyMs: 60_000, limitBytes: 10, maxAgeMs: 1e12, keepFiles: 1_000 };

/** Writes that accept this many bytes each, then fail with `code` or, if that is absent, accept everything. */
function takingOnly(bytes: readonly number[], code?: string): NonNullable<Rules["write"]> {
  const left = [...bytes];
  return (real, fd, pieces) => {
    const most = left.shift();
    if (most !== undefined) return real(fd, [Buffer.concat(pieces).subarray(0, most)]);
    return code === undefined ? real(fd, pieces) : Promise.reject(errno(code));
  };
}

test.each([
  { operation: "mkdir", code: "EACCES" },
  { operation: "mkdir", code: "EROFS" },
  { operation: "readdir", code: "EIO" },
  { operation: "open", code: "ENOSPC" },
  { operation: "open", code: "EMFILE" },
  { operation: "fstat", code: "EIO" },
  { operation: "write", code: "ENOSPC" },
  { operation: "write", code: "EIO" },
  { operation: "write", code: "EDQUOT" },
  { operation: "write", code: "EAGAIN" },
  { operation: "lstat", code: "EIO" },
] as const)(
  "while $operation fails with $code lines wait, and then arrive once and in order",
  async (row) => {
    const { registry, log, disk, clock } = await testRegistry();
    const fail = () => Promise.reject(errno(row.code, row.operation));
    Object.assign(disk.rules, { [row.operation]: fail });
    const appends = ["1", "2", "3"].map((text) => registry.append(log("a"), lines(text)));
    const first = watch(appends[0]!);
    for (let i = 0; i < 4; i += 1) await passPause(clock);
    await eventually(() => clock.pauses.length > 0);
    expect(first.isSettled).toBe(false);
    delete disk.rules[row.operation];
    await passPause(clock);
    await Promise.all(appends);
    expect(allText(log("a"))).toBe("1\n2\n3\n");
    expect(fileNames(log("a"))).toHaveLength(1);
    expect(registry.stats()).toMatchObject({
      failedAttempts: 5,
      unwrittenBytesNow: 0,
      bytesWritten: 6,
      openNow: 1,
    });
  },
);

test("attempts pause for 100 ms, doubled each time up to 2 s, and start again at 100 ms after a success", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  const fail = () => Promise.reject(errno("ENOSPC"));
  disk.rules.write = fail;
  const first = registry.append(log("a"), lines("1"));
  const pauses: number[] = [];
  for (let i = 0; i < 7; i += 1) pauses.push(await passPause(clock));
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.write;
  await passPause(clock);
  await first;
  disk.rules.write = fail;
  const second = registry.append(log("a"), lines("2"));
  expect(await passPause(clock)).toBe(100);
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.write;
  await passPause(clock);
  await second;
});

test("pauses start again at 100 ms after a success, even if more lines already wait", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  const appends: Promise<void>[] = [];
  const outcomes = ["fails", "fails", "more comes", "fails"];
  disk.rules.write = (real, ...args) => {
    const outcome = outcomes.shift();
    if (outcome === "fails") return Promise.reject(errno("ENOSPC"));
    if (outcome === "more comes") appends.push(registry.append(log("a"), lines("2")));
    return real(...args);
  };
  appends.push(registry.append(log("a"), lines("1")));
  expect([await passPause(clock), await passPause(clock), await passPause(clock)]).toEqual([100, 200, 100]);
  await Promise.all(appends);
  expect(allText(log("a"))).toBe("1\n2\n");
});

test("pauses keep growing while a line progresses by only a few bytes", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  let attempts = 0;
  disk.rules.write = (real, fd, pieces) => {
    attempts += 1;
    if (attempts % 2 === 0) return Promise.reject(errno("ENOSPC"));
    return real(fd, attempts < 6 ? [Buffer.concat(pieces).subarray(0, 1)] : pieces);
  };
  const append = registry.append(log("a"), lines("12345"));
  expect([await passPause(clock), await passPause(clock), await passPause(clock)]).toEqual([100, 200, 400]);
  await append;
  expect(allText(log("a"))).toBe("12345\n");
});

test.each(["EMFILE", "ENFILE", "ENOSPC", "EDQUOT"])(
  "a shortage that idle handles may cause (%s) closes them",
  async (code) => {
    const { registry, log, disk, clock, root } = await testRegistry();
    await registry.append(log("idle"), lines("1"));
    disk.rules.write = () => Promise.reject(errno(code));
    const append = registry.append(log("a"), lines("1"));
    await eventually(() => clock.pauses.length > 0);
    await eventually(() => !openFiles(root).includes(`idle/${startName}`));
    expect(registry.stats().evicted).toBeGreaterThan(0);
    delete disk.rules.write;
    await passPause(clock);
    await append;
  },
);

test("a fault that idle handles cannot cause closes none of them", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  await registry.append(log("idle"), lines("1"));
  disk.rules.write = () => Promise.reject(errno("EIO"));
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  await settled();
  expect(openFiles(root)).toContain(`idle/${startName}`);
  delete disk.rules.write;
  await passPause(clock);
  await append;
});

test("a fault is reported when it begins and when it ends, not at each attempt, and is listed meanwhile", async () => {
  const { registry, log, disk, clock, events, root } = await testRegistry();
  clock.advance(5_000);
  const since = clock.now();
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const append = registry.append(log("a"), lines("1"));
  for (let i = 0; i < 3; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  const fault = {
    log: log("a"),
    severity: "failing",
    operation: "write",
    path: join(root, "a", nameAfter(5)),
    error: expect.objectContaining({ code: "ENOSPC" }),
    since,
  };
  expect(events).toEqual([["faultBegan", fault]]);
  expect(registry.faults()).toEqual([fault]);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(events).toEqual([
    ["faultBegan", fault],
    ["faultOver", fault],
  ]);
  expect(registry.faults()).toEqual([]);
});

test("a fault that changes its cause is still one fault, listed with the new cause", async () => {
  const { registry, log, disk, clock, events } = await testRegistry();
  disk.rules.open = () => Promise.reject(errno("EACCES", "open"));
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  const [{ since } = { since: 0 }] = registry.faults();
  delete disk.rules.open;
  disk.rules.write = () => Promise.reject(errno("EIO"));
  await passPause(clock);
  await eventually(() => registry.faults()[0]?.operation === "write");
  expect(registry.faults()).toMatchObject([{ operation: "write", error: { code: "EIO" }, since }]);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(events.map(([event]) => event)).toEqual(["faultBegan", "faultOver"]);
});

test("faults are listed oldest first, and delay no other log", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  disk.rules.open = (real, path, ...rest) =>
    path.includes("/bad") ? Promise.reject(errno("EACCES", "open")) : real(path, ...rest);
  // Known in a different order from that of their faults.
  for (const directory of ["bad-1", "bad-2", "bad-3"]) registry.acquire(log(directory));
  for (const directory of ["bad-2", "bad-3", "bad-1"]) {
    void registry.append(log(directory), lines("x")).catch(() => {});
    await eventually(() => registry.faults().some((fault) => fault.log.directory === directory));
    clock.advance(10);
  }
  await registry.append(log("good"), lines("y"));
  expect(registry.faults().map((fault) => fault.log.directory)).toEqual(["bad-2", "bad-3", "bad-1"]);
  expect(allText(log("good"))).toBe("y\n");
});

test("lines of a failed write stay ahead of later lines", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const first = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  const second = registry.append(log("a"), lines("2"));
  await settled();
  expect(registry.stats().unwrittenBytesNow).toBe(4);
  delete disk.rules.write;
  await passPause(clock);
  await Promise.all([first, second]);
  expect(allText(log("a"))).toBe("1\n2\n");
});

const text = "first line\nsecond line\nthird\n";

test.each(Array.from({ length: text.length - 1 }, (_, i) => i + 1))(
  "a write that accepts only %i bytes continues at the next byte in the same file",
  async (taken) => {
    const { registry, log, disk } = await testRegistry();
    disk.rules.write = takingOnly([taken]);
    await registry.append(log("a"), Buffer.from(text));
    expect(textOf(log("a"), startName)).toBe(text);
    expect(registry.stats()).toMatchObject({ writes: 2, bytesWritten: text.length, failedAttempts: 0 });
  },
);

test.each([
  { what: "in the first of several appends", taken: [3] },
  { what: "at the end of the first", taken: [6] },
  { what: "in the last", taken: [14] },
  { what: "byte by byte", taken: Array.from({ length: 17 }, () => 1) },
])("several appends cut short $what are written once and in order", async ({ taken }) => {
  const { registry, log, disk } = await testRegistry();
  disk.rules.write = takingOnly(taken);
  await Promise.all(["first", "second", "third"].map((word) => registry.append(log("a"), lines(word))));
  expect(allText(log("a"))).toBe("first\nsecond\nthird\n");
});

test("appends written in full are acknowledged, and the rest waits", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  await registry.append(log("a"), lines("0"));
  disk.rules.write = takingOnly([6 + 3], "ENOSPC");
  const first = registry.append(log("a"), lines("first"));
  const second = watch(registry.append(log("a"), lines("second")));
  await first;
  await eventually(() => clock.pauses.length > 0);
  expect(second.isSettled).toBe(false);
  expect(registry.stats()).toMatchObject({ pinnedNow: 1, unwrittenBytesNow: 7 });
  delete disk.rules.write;
  await passPause(clock);
  await eventually(() => second.isSettled);
  expect(allText(log("a"))).toBe("0\nfirst\nsecond\n");
  expect(registry.stats().pinnedNow).toBe(0);
});

test("nothing makes a log leave its file in the middle of a line: neither size, time, waiting logs nor a reopening", async () => {
  const { registry, log, disk, clock, root } = await testRegistry({
    rotation,
    maxOpenFiles: 1,
    idleTimeoutMs: 1_000,
  });
  registry.acquire(log("a"));
  disk.rules.write = takingOnly([30], "ENOSPC");
  const append = registry.append(log("a"), lines("x".repeat(40)));
  await eventually(() => clock.pauses.length > 0);
  const other = watch(registry.append(log("other"), lines("y")));
  const rotated = registry.rotate(log("a"));
  await registry.reopen();
  for (let i = 0; i < 40; i += 1) {
    await passPause(clock);
    await eventually(() => clock.pauses.length > 0);
  }
  expect(clock.monotonic()).toBeGreaterThan(60_000);
  expect(openFiles(root)).toEqual([`a/${startName}`]);
  expect(fileNames(log("a"))).toEqual([startName]);
  expect(other.isSettled).toBe(false);
  disk.rules.write = (real, ...args) => real(...args);
  await passPause(clock);
  await append;
  await rotated;
  await eventually(() => other.isSettled);
  const [first, second] = fileNames(log("a"));
  expect(textOf(log("a"), first!)).toBe(`${"x".repeat(40)}\n`);
  expect(second).toBeDefined();
});

test("if a file is deleted in the middle of a line, all unacknowledged lines are written again, whole", async () => {
  const { registry, log, disk, clock, root, events } = await testRegistry();
  disk.rules.write = takingOnly([15], "ENOSPC");
  const append = registry.append(log("a"), Buffer.from(text));
  await eventually(() => clock.pauses.length > 0);
  unlinkSync(join(root, "a", startName));
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  expect(allText(log("a"))).toBe(text);
  expect(events.map(([event]) => event)).toEqual(["faultBegan", "vanished", "faultOver"]);
});

test("if a file is renamed in the middle of a line, the rest goes there, and the next line to a new file", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  disk.rules.write = takingOnly([15], "ENOSPC");
  const first = registry.append(log("a"), Buffer.from(text));
  const second = registry.append(log("a"), lines("next"));
  await eventually(() => clock.pauses.length > 0);
  renameSync(join(root, "a", startName), join(root, "a", "moved"));
  delete disk.rules.write;
  await passPause(clock);
  await Promise.all([first, second]);
  expect(textOf(log("a"), "moved")).toBe(text);
  expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  expect(allText(log("a"))).toBe("next\n");
  expect(registry.stats()).toMatchObject({ vanished: 1, openNow: 1 });
});

test("a file deleted to free a full disk is closed at the next failure, so that its space is freed", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  await registry.append(log("a"), lines("big"));
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const append = registry.append(log("a"), lines("small"));
  await eventually(() => clock.pauses.length > 0);
  unlinkSync(join(root, "a", startName));
  await passPause(clock);
  await eventually(() => openFiles(root).length === 0);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("small\n");
  expect(registry.stats().vanished).toBe(1);
});

test.each(["ESTALE", "EFBIG"])(
  "if a file accepts no more (%s), its unfinished line is written whole to the next file, and no other line is",
  async (code) => {
    const { registry, log, disk, clock } = await testRegistry();
    disk.rules.write = takingOnly([15], code);
    const append = registry.append(log("a"), Buffer.from(text));
    const next = registry.append(log("a"), lines("next"));
    await eventually(() => clock.pauses.length > 0);
    delete disk.rules.write;
    await passPause(clock);
    await Promise.all([append, next]);
    const [first, second] = fileNames(log("a"));
    // Its beginning in the first file is taken back: there is no room for a line feed.
    expect(textOf(log("a"), first!)).toBe("first line\n");
    expect(textOf(log("a"), second!)).toBe("second line\nthird\nnext\n");
    expect(registry.stats()).toMatchObject({
      bytesWritten: text.length + 5,
      possiblyDoubledBytes: 0,
      vanished: 0,
    });
  },
);

test("of a file that accepts no more nothing is taken back if somebody else has written to it", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  const take = takingOnly([15], "EFBIG");
  let calls = 0;
  disk.rules.write = async (real, fd, pieces) => {
    calls += 1;
    if (calls === 2) appendFileSync(join(root, "a", startName), "theirs");
    return take(real, fd, pieces);
  };
  const append = registry.append(log("a"), Buffer.from(text));
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(textOf(log("a"), startName)).toBe("first line\nsecotheirs");
});

test("a write that accepts nothing without an error is a fault, not a busy loop", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  disk.rules.write = async () => 0;
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ operation: "write", error: { code: "EIO" } }]);
  expect(registry.stats().failedAttempts).toBe(1);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("1\n");
});

test("lines whose file cannot be checked after the write are not written twice, and are acknowledged only after the check", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  await registry.append(log("a"), lines("0"));
  disk.rules.lstat = () => Promise.reject(errno("EIO", "lstat"));
  const append = registry.append(log("a"), lines("1"));
  const state = watch(append);
  for (let i = 0; i < 3; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(state.isSettled).toBe(false);
  delete disk.rules.lstat;
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("0\n1\n");
  expect(registry.stats().writes).toBe(2);
});

test("a new file that proves unusable leaves nothing behind, however often it is tried", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  disk.rules.fstat = () => Promise.reject(errno("EIO", "fstat"));
  const append = registry.append(log("a"), lines("1"));
  for (let i = 0; i < 4; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(fileNames(log("a"))).toEqual([]);
  expect(openFiles(root)).toEqual([]);
  delete disk.rules.fstat;
  await passPause(clock);
  await append;
  expect(fileNames(log("a"))).toHaveLength(1);
});

test("a failed close neither keeps its permit nor delays anyone", async () => {
  const { registry, log, disk } = await testRegistry({ maxOpenFiles: 1 });
  disk.rules.close = async (real, fd) => {
    await real(fd);
    throw errno("EIO", "close");
  };
  for (const directory of ["a", "b", "c", "a"]) await registry.append(log(directory), lines("x"));
  expect(allText(log("a"))).toBe("x\nx\n");
  expect(registry.stats()).toMatchObject({ openNow: 1, failedAttempts: 3 });
});

test.each([
  { what: "a regular file", put: (path: string) => writeFileSync(path, "mine"), code: "ENOTDIR" },
  { what: "a symbolic link", put: (path: string) => symlinkSync(temporaryDirectory(), path), code: "ELOOP" },
  { what: "a dangling link", put: (path: string) => symlinkSync("nowhere", path), code: "ELOOP" },
])("$what in place of a node's directory is a fault until it is removed", async ({ put, code }) => {
  const { registry, log, clock, root, disk } = await testRegistry();
  put(join(root, "a"));
  const append = registry.append(log("a"), lines("1"));
  for (let i = 0; i < 3; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ path: join(root, "a"), error: { code } }]);
  expect(disk.calls.filter((call) => call.startsWith("open"))).toEqual([]);
  rmSync(join(root, "a"));
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("1\n");
});

test.each([
  { what: "a symbolic link", put: (path: string, target: string) => symlinkSync(target, path) },
  { what: "a directory", put: (path: string) => mkdirSync(path) },
  { what: "a named pipe", put: (path: string) => execFileSync("mkfifo", [path]) },
])("$what with the name of the newest file stops no log: the next free second is used", async ({ put }) => {
  const { registry, log, root, clock } = await testRegistry({ rotation: { ...rotation, limitBytes: 1 } });
  const target = join(temporaryDirectory(), "elsewhere");
  writeFileSync(target, "not ours\n");
  leaveFile(log("a"), nameAfter(-10), '"old"\n');
  put(join(root, "a", nameAfter(5)), target);
  await registry.append(log("a"), lines("1"));
  put(join(root, "a", nameAfter(8)), target);
  clock.advance(1_000);
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), nameAfter(-10))).toBe('"old"\n');
  expect(textOf(log("a"), nameAfter(6))).toBe("1\n");
  expect(textOf(log("a"), nameAfter(9))).toBe("2\n");
  expect(registry.faults()).toEqual([]);
  expect(await kernelFileSystem.lstat(target).then(({ size }) => size)).toBe(9n);
});

test("a link in place of a closed current file is not followed: a new file is created", async () => {
  const { registry, log, root } = await testRegistry({ maxOpenFiles: 1 });
  const target = join(temporaryDirectory(), "elsewhere");
  writeFileSync(target, "not ours\n");
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  await registry.append(log("b"), lines("1"));
  rmSync(join(root, "a", startName));
  symlinkSync(target, join(root, "a", startName));
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
  expect(await kernelFileSystem.lstat(target).then(({ size }) => size)).toBe(9n);
});
