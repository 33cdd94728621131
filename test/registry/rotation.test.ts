import { constants, mkdirSync, readlinkSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { kernelFileSystem } from "../../src/registry/file-system.js";
import { RegistryStopped } from "../../src/registry/handle-registry.js";
import { errno, Gate, type InterposedFileSystem } from "./interposed-file-system.js";
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
  testRegistry,
  textOf,
  watch,
} from "./test-registry.js";

const rotation = { frequencyMs: 60_000, limitBytes: 10, maxAgeMs: 1e12, keepFiles: 1_000 };

test.each([
  { what: "reached", text: "x".repeat(9), files: 2 },
  { what: "not reached by one byte", text: "x".repeat(8), files: 1 },
])("a file whose limit is $what has $files files after the next line", async ({ text, files }) => {
  const { registry, log, clock } = await testRegistry({ rotation });
  await registry.append(log("a"), lines(text));
  clock.advance(1_000);
  await registry.append(log("a"), lines("y"));
  expect(fileNames(log("a"))).toHaveLength(files);
  expect(allText(log("a"))).toBe(`${text}\ny\n`);
});

test("rotation leaves every line where it was written, the last one too", async () => {
  const { registry, log, clock, events, root } = await testRegistry({ rotation });
  for (const text of ["one-------", "two-------", "three-----"]) {
    await registry.append(log("a"), lines(text));
    clock.advance(1_000);
  }
  expect(fileNames(log("a"))).toEqual([nameAfter(0), nameAfter(1), nameAfter(2)]);
  expect(fileNames(log("a")).map((name) => textOf(log("a"), name))).toEqual([
    "one-------\n",
    "two-------\n",
    "three-----\n",
  ]);
  expect(registry.stats()).toMatchObject({ rotated: 2, created: 3, opened: 3, openNow: 1 });
  expect(events).toEqual([
    ["rotated", log("a"), join(root, "a", nameAfter(1))],
    ["rotated", log("a"), join(root, "a", nameAfter(2))],
  ]);
});

test("new rotation rules apply at once, even to open files, and their removal ends rotation", async () => {
  const { registry, log, clock } = await testRegistry();
  await registry.append(log("a"), lines("x".repeat(20)));
  clock.advance(60_000);
  expect(fileNames(log("a"))).toHaveLength(1);
  registry.setRotation({ ...rotation, frequencyMs: 1_000 });
  clock.advance(1_000);
  await eventually(() => fileNames(log("a")).length === 2);
  registry.setRotation(undefined);
  await registry.append(log("a"), lines("x".repeat(20)));
  clock.advance(60_000);
  await registry.append(log("a"), lines("y"));
  expect(fileNames(log("a"))).toHaveLength(2);
});

test("a log rotates at most once a second, and a full file grows until then", async () => {
  const { registry, log, clock } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("x".repeat(20)));
  clock.advance(999);
  await registry.append(log("a"), lines("same file"));
  expect(fileNames(log("a"))).toEqual([startName]);
  clock.advance(1);
  await registry.append(log("a"), lines("next file"));
  expect(textOf(log("a"), nameAfter(1))).toBe("next file\n");
});

test("a file that is exactly full also grows until the second is over", async () => {
  const { registry, log } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("x".repeat(rotation.limitBytes - 1)));
  await registry.append(log("a"), lines("same file"));
  expect(fileNames(log("a"))).toEqual([startName]);
});

test("a write gathers only the whole appends for which the file has room", async () => {
  const { registry, log, clock, disk } = await testRegistry({ rotation });
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const appends = [registry.append(log("a"), lines("1"))];
  await eventually(() => gate.arrived === 1);
  clock.advance(1_000);
  for (const text of ["22", "33", "44", "55", "66"]) appends.push(registry.append(log("a"), lines(text)));
  gate.open();
  await Promise.all(appends);
  expect(textOf(log("a"), nameAfter(0))).toBe("1\n22\n33\n44\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("55\n66\n");
});

test("a full file is followed by a new one at the rotation frequency, even without a line", async () => {
  const { registry, log, clock, root } = await testRegistry({ rotation });
  await registry.append(log("full"), lines("x".repeat(10)));
  await registry.append(log("not-full"), lines("x"));
  clock.advance(59_999);
  await settled();
  expect(fileNames(log("full"))).toHaveLength(1);
  clock.advance(1);
  await eventually(() => readlinkSync(join(root, "full", "node.json")) === nameAfter(60));
  await settled();
  expect(registry.stats().rotated).toBe(1);
  expect(fileNames(log("full"))).toEqual([startName, nameAfter(60)]);
  expect(fileNames(log("not-full"))).toHaveLength(1);
});

test("a full file also rotates by time while its handle is closed", async () => {
  const { registry, log, clock } = await testRegistry({ rotation, idleTimeoutMs: 1_000 });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("x".repeat(10)));
  clock.advance(2_000);
  expect(registry.stats().idleClosed).toBe(1);
  clock.advance(58_000);
  await eventually(() => registry.stats().rotated === 1);
  expect(fileNames(log("a"))).toEqual([startName, nameAfter(60)]);
});

test("without rotation a file grows without limit", async () => {
  const { registry, log, clock } = await testRegistry();
  await registry.append(log("a"), lines("x".repeat(100_000)));
  clock.advance(1e9);
  await registry.append(log("a"), lines("y"));
  expect(fileNames(log("a"))).toEqual([startName]);
});

test.each([
  { what: "back by an hour", by: -3_600_000, name: nameAfter(1) },
  { what: "forward by an hour", by: 3_600_000, name: nameAfter(3_601) },
])(
  "when the clock is set $what, rotation continues and names sort in the order written",
  async ({ by, name }) => {
    const { registry, log, clock } = await testRegistry({ rotation });
    await registry.append(log("a"), lines("before----"));
    clock.jump(by);
    clock.advance(1_000);
    await registry.append(log("a"), lines("after-----"));
    expect(fileNames(log("a"))).toEqual([startName, name]);
    expect(allText(log("a"))).toBe("before----\nafter-----\n");
  },
);

test("a new file sorts after one from the future, even if that appeared while we wrote", async () => {
  const { registry, log } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("x"));
  leaveFile(log("a"), nameAfter(500), "from the future\n");
  await registry.rotate(log("a"));
  await registry.append(log("a"), lines("y"));
  expect(textOf(log("a"), nameAfter(501))).toBe("y\n");
  expect(textOf(log("a"), nameAfter(500))).toBe("from the future\n");
});

test("a name taken at the last moment is never opened: the next free second is used", async () => {
  const { registry, log, disk, root } = await testRegistry();
  leaveFile(log("a"), nameAfter(0), "somebody else's");
  leaveFile(log("a"), nameAfter(1), "somebody else's");
  disk.rules.readdir = async () => [];
  await registry.append(log("a"), lines("x"));
  expect(textOf(log("a"), nameAfter(0))).toBe("somebody else's");
  expect(textOf(log("a"), nameAfter(1))).toBe("somebody else's");
  expect(textOf(log("a"), nameAfter(2))).toBe("x\n");
  expect(readlinkSync(join(root, "a", "node.json"))).toBe(nameAfter(2));
});

test.each([
  { when: "after its node had left", linesAfter: 0 },
  { when: "while it was written", linesAfter: 1 },
])(
  "the name of a file moved away $when is not used again, even if the node returns",
  async ({ linesAfter }) => {
    const { registry, log, root } = await testRegistry();
    const line = lines("x");
    const write = () => registry.append(log("a"), line);
    registry.acquire(log("a"));
    await write();
    const moveAway = () => renameSync(join(root, "a", nameAfter(0)), join(root, "archived"));
    if (linesAfter > 0) moveAway();
    for (let n = 0; n < linesAfter; n += 1) await write();
    registry.release(log("a"));
    await eventually(() => registry.stats().logsNow === 0);
    if (linesAfter === 0) moveAway();
    await write();
    // An archive that already has a file of this name would lose one of the two.
    expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  },
);

test("a moved-away file is not followed by one that sorts before it", async () => {
  const { registry, log, disk, clock } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("x"));
  disk.rules.readdir = async () => [];
  clock.jump(-50_000);
  await registry.rotate(log("a"));
  expect(fileNames(log("a"))).toEqual([nameAfter(0), nameAfter(1)]);
});

test("the old file is closed before the new one needs its permit: one handle is enough", async () => {
  const { registry, log, clock } = await testRegistry({ rotation, maxOpenFiles: 1 });
  for (let i = 0; i < 3; i += 1) {
    await registry.append(log("a"), lines("x".repeat(10)));
    clock.advance(1_000);
  }
  expect(fileNames(log("a"))).toHaveLength(3);
  expect(registry.stats()).toMatchObject({ openNow: 1, evicted: 0 });
});

test("a log rotates at once on request, even within the second, and the link follows", async () => {
  const { registry, log, root } = await testRegistry();
  await registry.append(log("a"), lines("one"));
  await registry.rotate(log("a"));
  expect(fileNames(log("a"))).toEqual([nameAfter(0), nameAfter(1)]);
  expect(openFiles(root)).toEqual([`a/${nameAfter(1)}`]);
  await registry.append(log("a"), lines("two"));
  expect(textOf(log("a"), nameAfter(1))).toBe("two\n");
});

test("a requested rotation of an empty file, or of a log without one, creates no further empty file", async () => {
  const { registry, log } = await testRegistry();
  await registry.rotate(log("a"));
  await registry.rotate(log("a"));
  await registry.append(log("a"), lines("x"));
  expect(fileNames(log("a"))).toEqual([startName]);
});

test("a requested rotation of a log not written to so far ends its existing file", async () => {
  const { registry, log } = await testRegistry();
  leaveFile(log("a"), nameAfter(-9), '"old"\n');
  await registry.rotate(log("a"));
  await registry.append(log("a"), lines("new"));
  expect(textOf(log("a"), nameAfter(-9))).toBe('"old"\n');
  expect(textOf(log("a"), nameAfter(0))).toBe("new\n");
});

/** Prevents the creation of files. */
function refuseNewFiles(disk: InterposedFileSystem, code: string): void {
  disk.rules.open = async (real, path, flags, ...rest) => {
    if ((flags & constants.O_CREAT) !== 0) throw errno(code, "open");
    return real(path, flags, ...rest);
  };
}

test.each(["ENOSPC", "EDQUOT", "EACCES"])(
  "if no new file can be created (%s), lines go to the full one, each second brings a new attempt, and health is degraded",
  async (code) => {
    const { registry, log, disk, clock, events } = await testRegistry({ rotation });
    await registry.append(log("a"), lines("full------"));
    clock.advance(1_000);
    refuseNewFiles(disk, code);
    const since = clock.now();
    await registry.append(log("a"), lines("goes on"));
    expect(textOf(log("a"), startName)).toBe("full------\ngoes on\n");
    expect(registry.faults()).toMatchObject([
      { log: log("a"), severity: "degraded", error: { code }, since },
    ]);
    const tries = () =>
      disk.calls.filter((call) => call.startsWith("open node") && call !== `open ${startName}`).length;
    expect(tries()).toBe(1);
    clock.advance(999);
    await registry.append(log("a"), lines("2"));
    expect(tries()).toBe(1);
    clock.advance(1);
    await registry.append(log("a"), lines("3"));
    expect(tries()).toBe(2);
    expect(events.map(([event]) => event)).toEqual(["faultBegan"]);
    delete disk.rules.open;
    clock.advance(1_000);
    await registry.append(log("a"), lines("new"));
    expect(allText(log("a"))).toBe("full------\ngoes on\n2\n3\nnew\n");
    expect(textOf(log("a"), nameAfter(3))).toBe("new\n");
    expect(registry.faults()).toEqual([]);
    expect(events.map(([event]) => event)).toEqual(["faultBegan", "rotated", "faultOver"]);
  },
);

test("a requested rotation that fails is tried again each second even without a line, and lines do not wait", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  await registry.append(log("a"), lines("one"));
  refuseNewFiles(disk, "EDQUOT");
  const rotated = watch(registry.rotate(log("a")));
  await eventually(() => clock.pauses.length > 0);
  await registry.append(log("a"), lines("two"));
  await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(rotated.isSettled).toBe(false);
  expect(textOf(log("a"), startName)).toBe("one\ntwo\n");
  delete disk.rules.open;
  await passPause(clock);
  await eventually(() => rotated.isSettled);
  expect(fileNames(log("a"))).toHaveLength(2);
  expect(registry.faults()).toEqual([]);
});

test("if new rules mean that a file is no longer full, it needs no successor, and the fault ends", async () => {
  const { registry, log, disk, clock } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("full------"));
  clock.advance(1_000);
  refuseNewFiles(disk, "EACCES");
  await registry.append(log("a"), lines("2"));
  registry.setRotation({ ...rotation, limitBytes: 1_000 });
  await registry.append(log("a"), lines("3"));
  expect(registry.faults()).toEqual([]);
});

test("if the full file is gone as well, lines wait as for any other fault", async () => {
  const { registry, log, disk, clock, root } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("full------"));
  clock.advance(1_000);
  refuseNewFiles(disk, "EACCES");
  unlinkSync(join(root, "a", startName));
  const append = registry.append(log("a"), lines("2"));
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ severity: "failing", error: { code: "EACCES" } }]);
  delete disk.rules.open;
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("2\n");
  expect(registry.faults()).toEqual([]);
});

test("a rotation in progress at the stop is rejected, and so is one after it", async () => {
  const { registry, log, disk, clock } = await testRegistry();
  disk.rules.open = () => Promise.reject(errno("EACCES", "open"));
  const rotated = registry.rotate(log("a"));
  const rejected = expect(rotated).rejects.toBeInstanceOf(RegistryStopped);
  await eventually(() => clock.pauses.length > 0);
  const stopped = registry.stop({ deadlineMs: 1_000 });
  clock.advance(1_000);
  await rejected;
  await stopped;
  await expect(registry.rotate(log("a"))).rejects.toBeInstanceOf(RegistryStopped);
});

test("a truncated file counts with its new size", async () => {
  const { registry, log, clock, root } = await testRegistry({ rotation });
  await registry.append(log("a"), lines("12345678"));
  writeFileSync(join(root, "a", startName), "");
  clock.advance(1_000);
  await registry.append(log("a"), lines("1"));
  await registry.append(log("a"), lines("2"));
  expect(fileNames(log("a"))).toEqual([startName]);
  expect(allText(log("a"))).toBe("1\n2\n");
});

test("the names of the last thousand logs that ended are not used again, even if their files were moved away", async () => {
  const { registry, log } = await testRegistry();
  const write = async (directory: string) => {
    registry.acquire(log(directory));
    await registry.append(log(directory), lines("x"));
    registry.release(log(directory));
    await eventually(() => registry.stats().openNow === 0);
  };
  await write("a");
  const [name] = fileNames(log("a"));
  unlinkSync(join(log("a").root, "a", name!));
  for (let count = 0; count < 30; count += 1) await write(`other-${count}`);
  await write("a");
  expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
});

test("a directory with thousands of impossible names is looked through with pauses", async () => {
  const { registry, log } = await testRegistry();
  for (let index = 0; index < 4_000; index += 1)
    leaveFile(log("a"), nameAfter(index).replace("2026-02-16", "2026-02-30"), "");
  const read = vi.spyOn(Date.prototype, "getUTCDate");
  let most = 0;
  let isOver = false;
  const turn = () => {
    most = Math.max(most, read.mock.calls.length);
    read.mockClear();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await registry.append(log("a"), lines("x"));
  isOver = true;
  read.mockRestore();
  expect(textOf(log("a"), nameAfter(0))).toBe("x\n");
  expect(most).toBeGreaterThan(100);
  expect(most).toBeLessThan(1_500);
});

test("if names are listed oldest first, each is checked once for a new file", async () => {
  const readdir: typeof kernelFileSystem.readdir = async (...given) => {
    const [path, isWanted = () => true] = given;
    const entries = await kernelFileSystem.readdir(path);
    return entries.sort((one, other) => (one.name < other.name ? -1 : 1)).filter(isWanted);
  };
  const { registry, log } = await testRegistry({ fileSystem: { ...kernelFileSystem, readdir } });
  const path = (name: string) => join(log("a").root, "a", name);
  for (let index = 1; index < 1_000; index += 1) leaveFile(log("a"), nameAfter(index), "");
  // The newest name is no file's, so that a new one is made.
  mkdirSync(path(nameAfter(1_000)));
  const checked = vi.spyOn(Date.prototype, "getUTCDate");
  await registry.append(log("a"), lines("x"));
  const checks = checked.mock.calls.length;
  checked.mockRestore();
  expect(textOf(log("a"), nameAfter(1_001))).toBe("x\n");
  // Once to find the file to go on in, and once for the new one.
  expect(checks).toBeLessThan(2_100);
});
