import { renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errno, Gate } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  leaveFile,
  lines,
  nameAfter,
  passPause,
  settled,
  startName,
  testRegistry,
  textOf,
  watch,
} from "./test-registry.js";

test("with durability os nothing is synced", async () => {
  const { registry, log, disk } = await testRegistry({ durability: "os" });
  await registry.append(log("a"), lines("1"));
  await registry.rotate(log("a"));
  await registry.append(log("a"), lines("2"));
  expect(disk.calls.filter((call) => call.includes("sync"))).toEqual([]);
});

test("with durability disk lines are acknowledged only after their file is synced", async () => {
  const { registry, log, disk } = await testRegistry({ durability: "disk" });
  const gate = new Gate();
  disk.rules.fdatasync = gate.rule;
  const append = watch(registry.append(log("a"), lines("1")));
  await eventually(() => gate.arrived === 1);
  await settled();
  expect(append.isSettled).toBe(false);
  expect(textOf(log("a"), startName)).toBe("1\n");
  gate.open();
  await eventually(() => append.isSettled);
});

test("a file with a synced name is checked once for each write, and no directory is synced again", async () => {
  const { registry, log, disk } = await testRegistry({ durability: "disk" });
  await registry.append(log("a"), lines("1"));
  disk.calls.length = 0;
  await registry.append(log("a"), lines("2"));
  expect(disk.calls).toEqual(["write", "fdatasync", `lstat ${startName}`]);
});

test("the root is not synced if the node's directory already existed", async () => {
  const { registry, log, disk, root } = await testRegistry({ durability: "disk" });
  leaveFile(log("a"), startName, "0\n");
  const opened: string[] = [];
  disk.rules.open = (real, path, ...rest) => {
    opened.push(path);
    return real(path, ...rest);
  };
  const synced: string[] = [];
  disk.rules.fsync = (real, fd) => {
    synced.push(disk.pathOf(fd));
    return real(fd);
  };
  await registry.append(log("a"), lines("1"));
  expect(opened).toContain(join(root, "a", startName));
  expect(synced).toEqual([join(root, "a")]);
});

test("one sync covers everything appended during the one before", async () => {
  const { registry, log, disk } = await testRegistry({ durability: "disk" });
  const gate = new Gate();
  disk.rules.fdatasync = gate.rule;
  const appends = [registry.append(log("a"), lines("0"))];
  await eventually(() => gate.arrived === 1);
  for (let i = 1; i < 50; i += 1) appends.push(registry.append(log("a"), lines(`${i}`)));
  gate.open();
  await Promise.all(appends);
  expect(gate.arrived).toBe(2);
});

test("directories, a new node's included, are synced once after a file is created, before lines are acknowledged", async () => {
  const { registry, log, disk, root } = await testRegistry({ durability: "disk" });
  const synced: string[] = [];
  disk.rules.fsync = async (real, fd) => {
    synced.push(disk.pathOf(fd));
    return real(fd);
  };
  await registry.append(log("a"), lines("1"));
  expect(synced).toEqual([join(root, "a"), root]);
  await registry.append(log("a"), lines("2"));
  expect(synced).toHaveLength(2);
  await registry.rotate(log("a"));
  await registry.append(log("a"), lines("3"));
  expect(synced.slice(2)).toEqual([join(root, "a")]);
  expect(disk.descriptors.size).toBe(1);
});

test("a failing sync of the directory delays lines and doubles none", async () => {
  const { registry, log, disk, clock } = await testRegistry({ durability: "disk" });
  disk.rules.fsync = () => Promise.reject(errno("EIO", "fsync"));
  const append = registry.append(log("a"), lines("1"));
  const state = watch(append);
  for (let i = 0; i < 2; i += 1) await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(state.isSettled).toBe(false);
  expect(registry.faults()).toMatchObject([{ operation: "fsync" }]);
  expect(disk.descriptors.size).toBe(1);
  delete disk.rules.fsync;
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("1\n");
  expect(registry.stats()).toMatchObject({ writes: 1, possiblyDoubledBytes: 0 });
});

test("a directory renamed before its names are synced does not delay its lines", async () => {
  const { registry, log, disk, root } = await testRegistry({ durability: "disk" });
  const gate = new Gate();
  disk.rules.fdatasync = gate.rule;
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => gate.arrived === 1);
  renameSync(join(root, "a"), join(root, "b"));
  gate.open();
  await append;
  expect(allText(log("b"))).toBe("1\n");
});

test("after a failed sync the unsynced lines go to a new file and count as possibly doubled", async () => {
  const { registry, log, disk, clock } = await testRegistry({ durability: "disk" });
  await registry.append(log("a"), lines("safe"));
  disk.rules.fdatasync = () => Promise.reject(errno("EIO", "fdatasync"));
  const append = registry.append(log("a"), lines("doubt"));
  const state = watch(append);
  await eventually(() => clock.pauses.length > 0);
  expect(state.isSettled).toBe(false);
  expect(registry.faults()).toMatchObject([{ operation: "fdatasync", error: { code: "EIO" } }]);
  delete disk.rules.fdatasync;
  await passPause(clock);
  await append;
  await registry.append(log("a"), lines("next"));
  expect(textOf(log("a"), nameAfter(0))).toBe("safe\ndoubt\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("doubt\nnext\n");
  expect(registry.stats()).toMatchObject({
    possiblyDoubledBytes: 6,
    bytesWritten: 16,
    rotated: 0,
    vanished: 0,
  });
});

test("after a sync that fails in the middle of a line, that line is written whole to the new file", async () => {
  const { registry, log, disk, clock } = await testRegistry({ durability: "disk" });
  await registry.append(log("a"), lines("0"));
  disk.rules.write = (real, fd, pieces) => real(fd, [Buffer.concat(pieces).subarray(0, 9)]);
  disk.rules.fdatasync = () => Promise.reject(errno("EIO", "fdatasync"));
  const appends = [registry.append(log("a"), lines("first"))];
  appends.push(registry.append(log("a"), lines("second")));
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.fdatasync;
  delete disk.rules.write;
  await passPause(clock);
  await Promise.all(appends);
  expect(textOf(log("a"), nameAfter(1))).toBe("first\nsecond\n");
  expect(registry.stats().possiblyDoubledBytes).toBe(9);
});

test("the unsynced lines of a file that accepts no more are written to the next file", async () => {
  const { registry, log, disk, clock } = await testRegistry({ durability: "disk" });
  let writes = 0;
  disk.rules.write = (real, fd, pieces) => {
    writes += 1;
    if (writes === 1) return real(fd, [Buffer.concat(pieces).subarray(0, 8)]);
    return Promise.reject(errno("ESTALE"));
  };
  const append = registry.append(log("a"), lines("first", "second"));
  await eventually(() => clock.pauses.length > 0);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(textOf(log("a"), fileNames(log("a"))[1]!)).toBe("first\nsecond\n");
  expect(registry.stats().possiblyDoubledBytes).toBe(8);
});

test("a file deleted while its directory is synced is noticed before its lines are acknowledged", async () => {
  const { registry, log, disk, root } = await testRegistry({ durability: "disk" });
  disk.rules.fsync = async (real, fd) => {
    await real(fd);
    delete disk.rules.fsync;
    unlinkSync(join(root, "a", startName));
  };
  await registry.append(log("a"), lines("1"));
  expect(allText(log("a"))).toBe("1\n");
  expect(registry.stats().vanished).toBe(1);
});

test("a file deleted during the sync is noticed before its lines are acknowledged", async () => {
  const { registry, log, disk, root } = await testRegistry({ durability: "disk" });
  await registry.append(log("a"), lines("1"));
  const gate = new Gate();
  disk.rules.fdatasync = gate.rule;
  const append = registry.append(log("a"), lines("2"));
  await eventually(() => gate.arrived === 1);
  unlinkSync(join(root, "a", startName));
  gate.open();
  await append;
  expect(allText(log("a"))).toBe("2\n");
});
